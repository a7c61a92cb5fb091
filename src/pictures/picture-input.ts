import type { ResultContext } from '../results/result-context.ts';

/** The volume that an earlier study gave. */
export interface EarlierVolume {
  /** Study Date as DA, YYYYMMDD. */
  readonly date: string;
  readonly volumeMl: number;
  /** Whether a line may join it with the others: the same modality and the same model. */
  readonly comparable: boolean;
}

export interface PicturedMeasurement {
  readonly volumeMl: number;
  /** Where the volume is believed to lie; undefined where nobody knows. */
  readonly volumeIntervalMl?: { readonly low: number; readonly high: number } | undefined;
  /** Mean and standard deviation of the source inside the mask; shown for CT alone, in HU. */
  readonly meanIntensity?: number | undefined;
  readonly sdIntensity?: number | undefined;
}

/** An object of the same study that the pictures belong to: the SEG and the report. */
export interface RelatedObject {
  readonly kind: 'segmentation' | 'report';
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** What key images and summary page are made of. The same input gives the same bytes. */
export interface PictureInput {
  readonly context: ResultContext;
  /** Undefined where nothing was found: then there is a summary page, and no key image. */
  readonly measurement: PicturedMeasurement | undefined;
  /** Quality flags in words, as in the report. */
  readonly remarks: readonly string[];
  /** What changed since earlier studies in words, as in the report. */
  readonly changes: readonly string[];
  /** How things were computed or judged, and what report this result takes the place of: small print. */
  readonly notes: readonly string[];
  /** Of studies before this one, in any order. */
  readonly earlier: readonly EarlierVolume[];
  readonly related: readonly RelatedObject[];
}
