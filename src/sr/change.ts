import { text } from '../dicom/reading/dataset.ts';
import { type Change, changeBetween } from '../results/change.ts';
import { sourceHeader } from '../results/result-context.ts';
import type { PriorVolume, ReportInput } from './report-input.ts';

export interface ChangeSince extends Change {
  readonly since: PriorVolume;
  /** `first`, `previous`, or both where there is only one. */
  readonly which: string;
}

/** Oldest first; the report's UID settles ties, so that the order never depends on the caller. */
export function byDate(priors: readonly PriorVolume[]): PriorVolume[] {
  return [...priors].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey({ date, report }: PriorVolume): string {
  return `${date} ${report.sopInstanceUid}`;
}

/** The change since the first and since the previous comparable volume; none where nothing was found. */
export function changesSince({ context, found, priors, repeatabilityPercent }: ReportInput): ChangeSince[] {
  const comparable = byDate(priors).filter((prior) => prior.comparable);
  const first = comparable[0];
  const previous = comparable.at(-1);
  if (!found || !first || !previous) return [];
  const now = {
    ml: found.measurement.volumeMl,
    date: text(sourceHeader(context.series), 'StudyDate'),
  };
  const change = (since: PriorVolume, which: string): ChangeSince => {
    const earlier = { ml: since.volumeMl, date: since.date };
    return { since, which, ...changeBetween(earlier, now, repeatabilityPercent) };
  };
  return first === previous
    ? [change(first, 'first and previous')]
    : [change(first, 'first'), change(previous, 'previous')];
}
