import { text } from '../dicom/dataset.ts';
import { sourceHeader } from '../dicom/results/result-context.ts';
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

/**
 * Below a quarter of a year a rate per year would multiply the error of the measurements by more than four, and say
 * more of it than of the gland.
 */
const LEAST_DAYS_FOR_RATE = 91;
const DAYS_PER_YEAR = 365.25;
const MS_PER_DAY = 86_400_000;

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

/** Undefined below the least time for a rate, and where a date (DA) is none. */
export function yearsBetween(from: string, to: string | undefined): number | undefined {
  const days = (dayOf(to) - dayOf(from)) / MS_PER_DAY;
  return days >= LEAST_DAYS_FOR_RATE ? days / DAYS_PER_YEAR : undefined;
}

/** Midnight of a DA in ms; NaN for anything else. */
function dayOf(date: string | undefined): number {
  return Date.parse(isoDate(date) ?? '');
}

/** DA as people write it. */
export function isoDate(date: string | undefined): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)$/.exec(date ?? '');
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}` : undefined;
}
