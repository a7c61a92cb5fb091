import { mean, sum } from './describe.ts';
import { quantileOfF, upperTailOfF } from './distributions.ts';
import { type Interval, LEFT_OUT } from './interval.ts';

export interface Icc {
  readonly subjects: number;
  readonly raters: number;
  readonly icc: number;
  readonly interval: Interval;
  readonly f: number;
  readonly p: number;
}

/**
 * ICC(2,1) of Shrout and Fleiss 1979: two-way random effects, absolute agreement, single rater; the interval
 * as in McGraw and Wong 1996 (pingouin's ICC2, irr's). Null for fewer than two subjects or raters, or where
 * nothing varies.
 * @param ratings of each subject, by the same raters in the same order
 */
export function icc21(ratings: readonly (readonly number[])[]): Icc | null {
  const n = ratings.length;
  const k = ratings[0]?.length ?? 0;
  if (n < 2 || k < 2) return null;
  const grand = mean(ratings.flat());
  const rows = ratings.map((row) => mean(row));
  const columns = Array.from({ length: k }, (_, c) => mean(ratings.map((row) => row[c] as number)));
  const betweenRows = k * sum(rows, (value) => (value - grand) ** 2);
  const betweenColumns = n * sum(columns, (value) => (value - grand) ** 2);
  const residual = sum(rows, (row, r) =>
    sum(columns, (column, c) => ((ratings[r]?.[c] as number) - row - column + grand) ** 2),
  );
  const msr = betweenRows / (n - 1);
  const msc = betweenColumns / (k - 1);
  const mse = residual / ((n - 1) * (k - 1));
  const below = msr + (k - 1) * mse + (k * (msc - mse)) / n;
  if (!(below > 0)) return null;
  const icc = (msr - mse) / below;
  const f = mse > 0 ? msr / mse : Number.POSITIVE_INFINITY;
  const p = mse > 0 ? upperTailOfF(f, n - 1, (n - 1) * (k - 1)) : 0;
  return { subjects: n, raters: k, icc, interval: intervalOf({ icc, n, k, msr, msc, mse }), f, p };
}

interface Squares {
  readonly icc: number;
  readonly n: number;
  readonly k: number;
  readonly msr: number;
  readonly msc: number;
  readonly mse: number;
}

function intervalOf({ icc, n, k, msr, msc, mse }: Squares): Interval {
  if (mse === 0 && msc === 0) return { low: icc, high: icc };
  const fc = msc / mse;
  const weight = k * icc * fc + n * (1 + (k - 1) * icc) - k * icc;
  const above = (k - 1) * (n - 1) * weight ** 2;
  const under = (n - 1) * k ** 2 * icc ** 2 * fc ** 2 + (n * (1 + (k - 1) * icc) - k * icc) ** 2;
  // Without residual the ratio goes to its limit.
  const df = mse === 0 ? k - 1 : above / under;
  const upper = quantileOfF(LEFT_OUT / 2, n - 1, df);
  const lower = quantileOfF(LEFT_OUT / 2, df, n - 1);
  const rest = k * msc + (k * n - k - n) * mse;
  return {
    low: (n * (msr - upper * mse)) / (upper * rest + n * msr),
    high: (n * (lower * msr - mse)) / (rest + n * lower * msr),
  };
}
