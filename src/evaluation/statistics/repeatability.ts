import { mean, squares, sum } from './describe.ts';
import { quantileOfChiSquared } from './distributions.ts';
import { type Interval, LEFT_OUT } from './interval.ts';

/** By how much two measurements of an unchanged subject differ at most in 95 of 100 cases. */
export interface Repeatability {
  readonly subjects: number;
  readonly measurements: number;
  /** Within-subject standard deviation, in the unit of the values. */
  readonly withinSd: number;
  readonly coefficient: number;
  readonly coefficientInterval: Interval;
  /** Within-subject coefficient of variation, in percent; null where a mean is 0 or less. */
  readonly withinCvPercent: number | null;
  /** What `results.repeatabilityPercent` takes. */
  readonly coefficientPercent: number | null;
  readonly coefficientPercentInterval: Interval | null;
}

/** sqrt(2) for the difference of two, 1.96 for 95 of 100. */
const OF_TWO = 1.96 * Math.SQRT2;

/**
 * Bland and Altman's repeatability coefficient, 1.96 sqrt(2) wSD, with wSD^2 the within-subject variances
 * pooled by their degrees of freedom; relative with each variance over the square of the subject's mean. The
 * 95 % interval by chi-squared (Obuchowski and Bullen 2018; QIBA). Null where no subject was measured twice.
 * @param subjects the repeated measurements of each; those with fewer than two do not count
 */
export function repeatability(subjects: readonly (readonly number[])[]): Repeatability | null {
  const repeated = subjects.filter((values) => values.length >= 2);
  if (repeated.length === 0) return null;
  const df = sum(
    repeated.map((values) => values.length),
    (count) => count - 1,
  );
  const pooled = sum(repeated.map(squares), (value) => value);
  const means = repeated.map((values) => mean(values));
  const relative = sum(
    repeated.map((values) => squares(values)),
    (value, i) => value / (means[i] as number) ** 2,
  );
  const withinSd = Math.sqrt(pooled / df);
  const isRelative = means.every((value) => value > 0);
  const withinCv = isRelative ? Math.sqrt(relative / df) : null;
  const intervalOf = (coefficient: number): Interval => ({
    low: coefficient * Math.sqrt(df / quantileOfChiSquared(1 - LEFT_OUT / 2, df)),
    high: coefficient * Math.sqrt(df / quantileOfChiSquared(LEFT_OUT / 2, df)),
  });
  const coefficientPercent = withinCv === null ? null : 100 * OF_TWO * withinCv;
  return {
    subjects: repeated.length,
    measurements: repeated.flat().length,
    withinSd,
    coefficient: OF_TWO * withinSd,
    coefficientInterval: intervalOf(OF_TWO * withinSd),
    withinCvPercent: withinCv === null ? null : 100 * withinCv,
    coefficientPercent,
    coefficientPercentInterval: coefficientPercent === null ? null : intervalOf(coefficientPercent),
  };
}
