import type { Volume } from '../dicom/volume.ts';
import { spacingBetweenSlices } from '../dicom/volume.ts';
import { CODES, type Code } from './codes.ts';

/** What a reader of the volume should know, and how the report says it. */
const FLAG_MEANINGS = {
  'nothing-found': 'No pancreas was found, no volume was measured',
  'touches-first-slice': 'Pancreas touches the first slice: it may be cut off',
  'touches-last-slice': 'Pancreas touches the last slice: it may be cut off',
  'several-components': 'Segmentation has several separate parts',
  'uncertain-boundary': 'Boundary is uncertain: the volume could be notably smaller or larger',
  'implausible-volume': 'Volume is outside the range of adult pancreases',
  'lossy-source': 'Source images were compressed with loss',
  'thick-slices': 'Slices are thick: the volume is less exact',
} as const;

export type QualityFlag = keyof typeof FLAG_MEANINGS;

/**
 * What kind of thing each flag says, beside its words: codes that the standard lists (no image quality of CID
 * 6135 is meant by most of them; RID13 is of CID 7036).
 */
const FLAG_CODES: Readonly<Record<QualityFlag, Code>> = {
  'nothing-found': CODES.notVisualized,
  'touches-first-slice': CODES.anatomyIncomplete,
  'touches-last-slice': CODES.anatomyIncomplete,
  'several-components': CODES.multiple,
  'uncertain-boundary': CODES.uncertain,
  'implausible-volume': CODES.outOfRange,
  'lossy-source': CODES.lossyCompression,
  'thick-slices': CODES.limitedQuality,
};

export const flagCode = (flag: QualityFlag): Code => FLAG_CODES[flag];

/** In the order in which reports list them. */
export const QUALITY_FLAGS = Object.keys(FLAG_MEANINGS).filter(
  (flag): flag is QualityFlag => flag in FLAG_MEANINGS,
);

/**
 * The flag that a report's words stand for, whatever version wrote it: a meaning that was written never
 * changes.
 */
export function flagOf(meaning: string): QualityFlag | undefined {
  return QUALITY_FLAGS.find((flag) => FLAG_MEANINGS[flag] === meaning);
}

export function flagMeaning(flag: QualityFlag): string {
  return FLAG_MEANINGS[flag];
}

/**
 * Adults' pancreases measure about 70 +/- 25 ml on CT (Saisho 2007), severe atrophy and swelling reach some
 * 15 and 200 ml; what lies outside is more likely a failed segmentation.
 */
const PLAUSIBLE_ML = { least: 15, most: 200 } as const;

/**
 * An interval of the volume that is wider than this share of it leaves open whether a gland has lost a fifth
 * of its volume, which follow-up is made to see. Only for models without calibration: others say themselves
 * what is unusual for them.
 */
const UNCERTAIN_SHARE = 0.25;
const isUncalibratedWide = ({ low, high }: { low: number; high: number }, volumeMl: number): boolean =>
  high - low > UNCERTAIN_SHARE * volumeMl;

/** Above 5 mm, partial volume at the gland's upper and lower ends is a notable share of it. */
const THICK_MM = 5;

export interface FlaggedMeasurement {
  readonly volumeMl: number;
  readonly voxelCount: number;
  readonly volumeIntervalMl:
    | { readonly low: number; readonly high: number; readonly isWide?: boolean | undefined }
    | undefined;
  readonly components: number;
  readonly touchesFirstSlice: boolean;
  readonly touchesLastSlice: boolean;
}

/** What flags depend on, beside the measurement. */
interface FlaggedSource {
  readonly volume: Pick<Volume, 'affine'>;
  /** Whether the pixels went through lossy compression at any time, as far as the source says. */
  readonly lossy: boolean;
}

/** The flags that a measurement and its source call for. */
export function qualityFlags(measurement: FlaggedMeasurement, source: FlaggedSource): QualityFlag[] {
  const found = measurement.voxelCount > 0;
  const { volumeMl, volumeIntervalMl: interval } = measurement;
  const raised: Record<QualityFlag, boolean> = {
    'nothing-found': !found,
    'touches-first-slice': measurement.touchesFirstSlice,
    'touches-last-slice': measurement.touchesLastSlice,
    'several-components': measurement.components > 1,
    'uncertain-boundary':
      found && interval !== undefined && (interval.isWide ?? isUncalibratedWide(interval, volumeMl)),
    'implausible-volume': found && (volumeMl < PLAUSIBLE_ML.least || volumeMl > PLAUSIBLE_ML.most),
    'lossy-source': source.lossy,
    'thick-slices': spacingBetweenSlices(source.volume.affine) > THICK_MM,
  };
  return QUALITY_FLAGS.filter((flag) => raised[flag]);
}
