import { isoDate } from '../results/dates.ts';
import { intervalMethod } from '../results/interval-method.ts';
import type { ChangeSince } from './change.ts';
import type { PriorVolume, ReaderSegmentation, ReportMeasurement } from './report-input.ts';

/** Volumes are kept to 0.01 ml, percentages to 0.1. */
export const ML_DECIMALS = 2;
export const PERCENT_DECIMALS = 1;

/** That a report does not hold all outlines. */
export function outlinesSentence(kept: number, total: number): string {
  const outlines = total === 1 ? 'outline' : 'outlines';
  const which = kept === 0 ? '' : ', the largest';
  const present = `${kept} of ${total} ${outlines} of the segmentation are in this report${which}`;
  return `${present}; the segmentation has all.`;
}

/** A DA for people. */
export function dateInWords(date: string): string {
  return isoDate(date) ?? 'an unknown date';
}

/** An earlier volume in words, with the report that it comes from. */
export function priorSentence({ date, volumeMl, comparable, corrected, report }: PriorVolume): string {
  const incomparable = comparable ? '' : ', by another model or modality: not comparable';
  const remark = `${corrected ? ', corrected by a reader' : ''}${incomparable}`;
  const ml = volumeMl.toFixed(ML_DECIMALS);
  return `${dateInWords(date)}: ${ml} ml${remark} (report ${report.sopInstanceUid})`;
}

/** What was measured where a reader corrected the segmentation. */
export function correctionSentence({ seriesInstanceUid }: ReaderSegmentation, modelTitle: string): string {
  return (
    `Measured in a segmentation that a reader stored (series ${seriesInstanceUid}); it takes the ` +
    `place of the volume that the model ${modelTitle} gave.`
  );
}

/** The volume in words. */
export function volumeSentence({ volumeMl, volumeIntervalMl: interval }: ReportMeasurement): string {
  const range = interval ? ` (${interval.low.toFixed(1)} to ${interval.high.toFixed(1)} ml)` : '';
  return `Pancreas volume ${volumeMl.toFixed(1)} ml${range}.`;
}

/** How the volume and its interval were computed. */
export function volumeEquation({ voxelCount, volumeIntervalMl: interval }: ReportMeasurement): string {
  const voxels = voxelCount === 1 ? 'voxel' : 'voxels';
  const volume = `${voxelCount} ${voxels} of the segment times the volume of one`;
  return interval ? `${volume}; uncertainty: ${intervalMethod(interval.basis)}` : volume;
}

/** Reads `volumeEquation` back. */
export function voxelCountIn(equation: string): number | undefined {
  const count = /^(\d+) voxels? of the segment /.exec(equation)?.[1];
  return count === undefined ? undefined : Number(count);
}

const signed = (value: number, decimals: number): string => (value > 0 ? '+' : '') + value.toFixed(decimals);
const amount = (ml: number, percent: number | undefined): string =>
  `${signed(ml, 1)} ml${percent === undefined ? '' : `, ${signed(percent, PERCENT_DECIMALS)} %`}`;

/** The change in words, and whether it is more than repeated measurement alone would give. */
export function changeSentence(change: ChangeSince, repeatabilityPercent: number | undefined): string {
  const { since, which, ml, percent, mlPerYear, percentPerYear, exceedsRepeatability: exceeds } = change;
  const rate = mlPerYear === undefined ? '' : ` (a year: ${amount(mlPerYear, percentPerYear)})`;
  const judged =
    exceeds === undefined
      ? ''
      : `, ${exceeds ? 'more' : 'not more'} than repeated measurement alone would give ` +
        `(${repeatabilityPercent} %)`;
  const when = `Since the ${which} study of ${dateInWords(since.date)} (${since.volumeMl.toFixed(1)} ml)`;
  return `${when}: ${amount(ml, percent)}${rate}${judged}.`;
}

/** What the coefficient that changes were judged by means, or that there is none. */
export function repeatabilitySentence(percent: number | undefined): string {
  return percent === undefined
    ? 'Whether the change is more than repeated measurement alone would give is not judged: no ' +
        'repeatability coefficient is configured.'
    : `Repeatability coefficient ${percent} %, as stated by the site: in 95 of 100 cases two ` +
        'measurements of an unchanged pancreas differ by less (Bland and Altman: 1.96 times the square ' +
        'root of 2 times the within-subject standard deviation), relative to the earlier volume.';
}
