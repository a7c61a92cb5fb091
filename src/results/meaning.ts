import { type BodySize, bodySizeSentence, bodySurfaceM2 } from './body-size.ts';
import { type ReferenceName, referenceSentence } from './reference-models.ts';

/** What a site wants said of what a volume means; nothing by default. */
export interface MeaningSettings {
  /** By modality; null: no reference. */
  readonly reference: { readonly CT: ReferenceName | null; readonly MR: ReferenceName | null };
  readonly perBodySize: boolean;
}

/** Sentences beside a volume, for report and page: they state, and judge nothing. */
export function meaningSentences(
  settings: MeaningSettings | undefined,
  of: {
    readonly ml: number;
    /** CT, T1W or T2W. */
    readonly images: string;
    readonly ageYears: number | undefined;
    readonly size: BodySize;
  },
): string[] {
  if (!settings) return [];
  const { ml, images, ageYears, size } = of;
  const name = settings.reference[images === 'CT' ? 'CT' : 'MR'];
  const person = { ml, ageYears, bodySurfaceM2: bodySurfaceM2(size) };
  return [
    ...(name ? [referenceSentence(name, person)] : []),
    ...(settings.perBodySize ? [bodySizeSentence(ml, size)] : []),
  ].filter((sentence) => sentence !== undefined);
}
