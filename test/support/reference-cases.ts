import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';

const SHARED_FACTS: Omit<
  ModelInfo,
  'name' | 'modality' | 'spacing' | 'patchSize' | 'transposeForward' | 'normalization'
> = {
  format: 1,
  title: 'Reference',
  version: '1.0.0',
  source: {},
  architecture: 'PanSegNet',
  // nnU-Net v1 takes the axes as the file has them.
  orientation: 'as-stored',
  inference: { stepSize: 0.5, mirrorAxes: [0, 1, 2] },
  postprocessing: { keepLargestComponent: false },
  files: {},
};

/** What the plans of Task109_Pancreas say. */
const CT: ModelInfo = {
  ...SHARED_FACTS,
  name: 'task109',
  modality: 'CT',
  transposeForward: [0, 1, 2],
  spacing: [2, 0.8, 0.8],
  patchSize: [32, 64, 64],
  normalization: {
    scheme: 'CT',
    mean: 101.230675,
    sd: 19.929998,
    percentile_00_5: 46,
    percentile_99_5: 146,
    useMaskForNorm: false,
  },
};

/** What the plans of Task111_PancreasT2 say. */
const T2: ModelInfo = {
  ...SHARED_FACTS,
  name: 'task111',
  modality: 'T2W',
  transposeForward: [2, 0, 1],
  spacing: [4, 2, 2],
  patchSize: [16, 32, 32],
  normalization: { scheme: 'zscore', useMaskForNorm: true },
};

/** The cases of shared/reference, with the model that each was run with. */
export const REFERENCE_CASES: readonly { readonly name: string; readonly info: ModelInfo }[] = [
  { name: 'ct_aniso', info: CT },
  { name: 'ct_thin', info: CT },
  { name: 'tiny_perm', info: T2 },
];
