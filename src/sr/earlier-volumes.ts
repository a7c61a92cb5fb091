import { CODES } from '../dicom/results/codes.ts';
import { type ContentItem, numContent, related, textContent } from './content-item.ts';
import type { PriorVolume } from './report-input.ts';

/** Volumes are kept to 0.01 ml, percentages to 0.1. */
export const ML_DECIMALS = 2;
const PERCENT_DECIMALS = 1;

/** Oldest first; the report's UID settles ties, so that the order never depends on the caller. */
export function byDate(priors: readonly PriorVolume[]): PriorVolume[] {
  return [...priors].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey({ date, report }: PriorVolume): string {
  return `${date} ${report.sopInstanceUid}`;
}

export interface VolumeChange {
  readonly since: PriorVolume;
  /** `first`, `previous`, or both where there is only one. */
  readonly which: string;
  readonly ml: number;
  /** Undefined where the earlier volume is zero. */
  readonly percent: number | undefined;
}

/** The change since the first and since the previous comparable volume. */
export function volumeChanges(volumeMl: number, priors: readonly PriorVolume[]): VolumeChange[] {
  const comparable = byDate(priors).filter((prior) => prior.comparable);
  const first = comparable[0];
  const previous = comparable.at(-1);
  if (!first || !previous) return [];
  const change = (since: PriorVolume, which: string): VolumeChange => {
    const ml = volumeMl - since.volumeMl;
    return { since, which, ml, percent: since.volumeMl > 0 ? (100 * ml) / since.volumeMl : undefined };
  };
  return first === previous
    ? [change(first, 'first and previous')]
    : [change(first, 'first'), change(previous, 'previous')];
}

/** DA as people write it. */
function isoDate(date: string): string {
  return /^\d{8}$/.test(date)
    ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
    : 'an unknown date';
}

/**
 * The change since an earlier volume, absolute and relative, each with the volume that it was inferred from
 * (TID 1419 rows 5, 13 and 18).
 */
export function changeItems(change: VolumeChange): ContentItem[] {
  const since = `since the ${change.which} study, ${isoDate(change.since.date)}`;
  const children = (what: string): ContentItem[] => [
    related('HAS CONCEPT MOD', textContent(CODES.equivalentMeaning, `${what} ${since}`)),
    related('INFERRED FROM', numContent(CODES.volume, change.since.volumeMl, CODES.millilitre, ML_DECIMALS)),
  ];
  const { ml, percent } = change;
  const absolute = children('Change of pancreas volume');
  const relative = children('Relative change of pancreas volume');
  return [
    numContent(CODES.differenceInSize, ml, CODES.millilitre, ML_DECIMALS, absolute),
    ...(percent === undefined
      ? []
      : [numContent(CODES.differenceInSize, percent, CODES.percent, PERCENT_DECIMALS, relative)]),
  ];
}

/** An earlier volume in words, with the report that it comes from. */
export function priorSentence({ date, volumeMl, comparable, report }: PriorVolume): string {
  const remark = comparable ? '' : ', by another model or modality: not comparable';
  return `${isoDate(date)}: ${volumeMl.toFixed(ML_DECIMALS)} ml${remark} (report ${report.sopInstanceUid})`;
}

const signed = (value: number, decimals: number): string => (value > 0 ? '+' : '') + value.toFixed(decimals);

/** The change in words. */
export function changeSentence(change: VolumeChange): string {
  const percent = change.percent === undefined ? '' : `, ${signed(change.percent, PERCENT_DECIMALS)} %`;
  return (
    `Since the ${change.which} study of ${isoDate(change.since.date)} (${change.since.volumeMl.toFixed(1)} ml): ` +
    `${signed(change.ml, 1)} ml${percent}.`
  );
}
