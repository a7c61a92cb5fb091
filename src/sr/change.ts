import { text } from '../dicom/reading/dataset.ts';
import { yearsBetween } from '../results/dates.ts';
import { sourceHeader } from '../results/result-context.ts';
import type { PriorVolume, ReportInput } from './report-input.ts';

export interface VolumeChange {
  readonly since: PriorVolume;
  /** `first`, `previous`, or both where there is only one. */
  readonly which: string;
  readonly ml: number;
  /** Undefined where the earlier volume is zero. */
  readonly percent: number | undefined;
  /** Undefined where the studies lie too close together, or one has no date. */
  readonly perYear: { readonly ml: number; readonly percent: number | undefined } | undefined;
  /** Whether it is more than repeated measurement alone would give; undefined where nobody has stated how much that is. */
  readonly exceedsRepeatability: boolean | undefined;
}

/** Oldest first; the report's UID settles ties, so that the order never depends on the caller. */
export function byDate(priors: readonly PriorVolume[]): PriorVolume[] {
  return [...priors].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey({ date, report }: PriorVolume): string {
  return `${date} ${report.sopInstanceUid}`;
}

/** The change since the first and since the previous comparable volume; none where nothing was found. */
export function changesSince({ context, found, priors, repeatabilityPercent }: ReportInput): VolumeChange[] {
  const comparable = byDate(priors).filter((prior) => prior.comparable);
  const first = comparable[0];
  const previous = comparable.at(-1);
  if (!found || !first || !previous) return [];
  const { volumeMl } = found.measurement;
  const date = text(sourceHeader(context.series), 'StudyDate');
  const change = (since: PriorVolume, which: string): VolumeChange => {
    const ml = volumeMl - since.volumeMl;
    const percent = since.volumeMl > 0 ? (100 * ml) / since.volumeMl : undefined;
    const years = yearsBetween(since.date, date);
    return {
      since,
      which,
      ml,
      percent,
      perYear:
        years === undefined
          ? undefined
          : { ml: ml / years, percent: percent === undefined ? undefined : percent / years },
      exceedsRepeatability:
        percent === undefined || repeatabilityPercent === undefined
          ? undefined
          : Math.abs(percent) > repeatabilityPercent,
    };
  };
  return first === previous
    ? [change(first, 'first and previous')]
    : [change(first, 'first'), change(previous, 'previous')];
}
