import path from 'node:path';
import { importModel } from '../../src/model-import/import-model.ts';
import type { Model } from '../../src/segmentation/model/model-folder.ts';
import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { shared } from './requires.ts';

const MODELS = {
  501: { folder: 'Dataset501_ToyPancreasCT/nnUNetTrainer__nnUNetPlans__3d_fullres', modality: 'CT' },
  502: {
    folder: 'Dataset502_ToyAbdomenMR/nnUNetTrainerNoMirroring__nnUNetResEncUNetMPlans__3d_fullres',
    modality: 'T2W',
  },
  503: { folder: 'Dataset503_ToyPancreasCTsag/nnUNetTrainer__nnUNetPlans__3d_fullres', modality: 'CT' },
  511: { folder: 'Dataset511_PancreasT2MRI/PaNSegNet_Trainer__nnUNetPlans__3d_fullres', modality: 'T2W' },
} as const satisfies Record<number, { folder: string; modality: ModelInfo['modality'] }>;
export type ReferenceModel = keyof typeof MODELS;

/** The cases of shared/reference-v2, with the model that each was run with. */
export const V2_CASES: readonly { readonly name: string; readonly model: ReferenceModel }[] = [
  { name: 'ct_plain_crop', model: 501 },
  { name: 'ct_plain_septz', model: 501 },
  { name: 'ct_plain_thin', model: 501 },
  { name: 'mr_resenc', model: 502 },
  { name: 'mr_resenc_oblique', model: 502 },
  { name: 'ct_old_transposed', model: 503 },
  { name: 'ct_old_transposed_septz', model: 503 },
  { name: 't2_pansegnet', model: 511 },
];

export const trainedFolder = (model: ReferenceModel): string =>
  shared('reference-v2/models', MODELS[model].folder);

export const referenceFile = (name: string, file: string): string => shared('reference-v2/cases', name, file);

/** Imports a reference model to a folder; the pancreas of 502's several labels is that of its name. */
export const importReference = (model: ReferenceModel, folder: string): Promise<Model> =>
  importModel({
    source: trainedFolder(model),
    name: `reference-${model}`,
    modality: MODELS[model].modality,
    output: path.join(folder, String(model)),
    ...(model === 502 ? { label: 'pancreas' } : {}),
  });
