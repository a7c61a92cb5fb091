import type { WritableDataset } from '../dicom/writing/write.ts';
import type { Contrast } from './phantom/tissues.ts';
import type { Orientation, Stack } from './studies-grid.ts';
import type { SeriesHeader, Visit } from './studies-header.ts';
import {
  type StackOfImages,
  type SyntheticKind,
  type SyntheticSeries,
  syntheticSeries,
} from './studies-series.ts';

/** Localizer, T2 HASTE axial and coronal, diffusion, T1 VIBE with fat suppression. */
export function mrSeries(visit: Visit): SyntheticSeries[] {
  return [localizer(visit), haste(visit, 'axial'), haste(visit, 'coronal'), diffusion(visit), vibe(visit)];
}

const MR_IMAGE: WritableDataset = {
  ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'NORM', 'DIS2D'],
  MagneticFieldStrength: '1.5',
  ImagedNucleus: '1H',
  ImagingFrequency: '63.68',
  NumberOfAverages: '1',
  PercentSampling: '80',
  PercentPhaseFieldOfView: '81.25',
  InPlanePhaseEncodingDirection: 'COL',
  TransmitCoilName: 'Body',
  AngioFlag: 'N',
};

/** Half-Fourier single shot: one long train of spin echoes. */
const HASTE: WritableDataset = {
  ScanningSequence: 'SE',
  SequenceVariant: ['SK', 'SP', 'OSP'],
  ScanOptions: 'PFP',
  MRAcquisitionType: '2D',
  SequenceName: '*h2d1_128',
  RepetitionTime: '1400',
  EchoTime: '92',
  EchoTrainLength: '128',
  FlipAngle: '160',
  PixelBandwidth: '475',
};

/** Interpolated 3-D gradient echo with fat suppression. */
const VIBE: WritableDataset = {
  ScanningSequence: 'GR',
  SequenceVariant: ['SP', 'OSP'],
  ScanOptions: ['FS', 'PFP'],
  MRAcquisitionType: '3D',
  SequenceName: '*fl3d1',
  RepetitionTime: '4.4',
  EchoTime: '2.1',
  EchoTrainLength: '1',
  FlipAngle: '10',
  PixelBandwidth: '440',
};

/** Echo-planar spin echo with diffusion weighting. */
const EPI: WritableDataset = {
  ScanningSequence: 'EP',
  SequenceVariant: ['SK', 'SP'],
  ScanOptions: ['FS', 'PFP'],
  MRAcquisitionType: '2D',
  RepetitionTime: '5400',
  EchoTime: '62',
  EchoTrainLength: '90',
  FlipAngle: '90',
  PixelBandwidth: '2200',
};

interface MrPlan {
  readonly key: string;
  readonly number: number;
  readonly description: string;
  /** Minutes and seconds of the acquisition. */
  readonly time: string;
  readonly kind: SyntheticKind;
  readonly attributes: WritableDataset;
  readonly stacks: readonly StackOfImages[];
}

function mrSeriesOf(visit: Visit, plan: MrPlan): SyntheticSeries {
  const first = plan.stacks[0];
  const header: SeriesHeader = {
    key: plan.key,
    number: plan.number,
    description: plan.description,
    protocol: plan.description,
    time: `${visit.time.slice(0, 2)}${plan.time}`,
    attributes: {
      ...MR_IMAGE,
      ...plan.attributes,
      SpacingBetweenSlices: String(first?.stack.sliceSpacing ?? 0),
      WindowCenter: '400',
      WindowWidth: '800',
    },
  };
  return syntheticSeries(visit, { header, kind: plan.kind, stacks: plan.stacks, storedOffset: 0 });
}

function stackOf(
  orientation: Orientation,
  contrast: Contrast,
  shape: readonly [columns: number, rows: number, slices: number, pixel: number, slice: number],
  attributes: WritableDataset = {},
): StackOfImages {
  const [columns, rows, slices, pixelSpacing, sliceSpacing] = shape;
  const stack: Stack = { orientation, columns, rows, slices, pixelSpacing, sliceSpacing, centre: [0, 6, -2] };
  return { stack, contrast, attributes, descending: orientation === 'axial' };
}

/** Three thick slices in each of the three planes. */
function localizer(visit: Visit): SyntheticSeries {
  const orientations = ['coronal', 'axial', 'sagittal'] as const;
  return mrSeriesOf(visit, {
    key: 'localizer',
    number: 1,
    description: 'localizer',
    time: '0110',
    kind: 'NONE',
    attributes: {
      ...HASTE,
      ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'NORM', 'LOCALIZER'],
      SliceThickness: '8',
    },
    stacks: orientations.map((orientation) => stackOf(orientation, 'T2W', [128, 128, 3, 3, 40])),
  });
}

function haste(visit: Visit, orientation: 'axial' | 'coronal'): SyntheticSeries {
  const axial = orientation === 'axial';
  return mrSeriesOf(visit, {
    key: `haste ${orientation}`,
    number: axial ? 3 : 2,
    description: axial ? 't2_haste_tra_bh' : 't2_haste_cor_bh',
    time: axial ? '0612' : '0345',
    kind: axial ? 'T2W' : 'NONE',
    attributes: { ...HASTE, SliceThickness: '4.5' },
    stacks: [stackOf(orientation, 'T2W', axial ? [224, 182, 38, 1.7, 5] : [224, 120, 36, 1.7, 5])],
  });
}

function diffusionStack(contrast: Contrast, b: number): StackOfImages {
  return stackOf('axial', contrast, [128, 104, 38, 3, 5], {
    DiffusionBValue: b,
    SequenceName: `*ep_b${b}`,
    ImageType: ['ORIGINAL', 'PRIMARY', 'DIFFUSION', 'NONE', 'NORM'],
  });
}

function diffusion(visit: Visit): SyntheticSeries {
  return mrSeriesOf(visit, {
    key: 'diffusion',
    number: 4,
    description: 'ep2d_diff_b50_800_tra',
    time: '0930',
    kind: 'NONE',
    attributes: { ...EPI, SliceThickness: '5' },
    stacks: [diffusionStack('DWI', 50), diffusionStack('DWI_B800', 800)],
  });
}

function vibe(visit: Visit): SyntheticSeries {
  return mrSeriesOf(visit, {
    key: 'vibe',
    number: 5,
    description: 't1_vibe_fs_tra_bh',
    time: '1405',
    kind: 'T1W',
    attributes: { ...VIBE, SliceThickness: '4' },
    stacks: [stackOf('axial', 'T1W', [240, 192, 47, 1.6, 4])],
  });
}
