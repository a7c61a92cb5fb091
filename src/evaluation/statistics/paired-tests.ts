import { mean, standardDeviation, sum } from './describe.ts';
import { upperTailOfNormal, upperTailOfT } from './distributions.ts';
import { type Interval, intervalByT } from './interval.ts';

/** The first set of values against the second, case by case; differences are first less second. */
export interface PairedTests {
  readonly n: number;
  readonly meanDifference: number;
  /** 95 %, by t. */
  readonly interval: Interval;
  /** Null where all differences are equal. */
  readonly t: number | null;
  readonly df: number;
  /** Two-sided, as SciPy's `ttest_rel`. */
  readonly p: number | null;
  /** Cohen's d of the differences: their mean over their SD. */
  readonly cohenDz: number | null;
  /** Cohen's d by the average of both variances: pingouin's for paired samples. */
  readonly cohenDav: number | null;
  readonly wilcoxon: Wilcoxon | null;
}

export interface Wilcoxon {
  /** Differences that are not 0: the others are left out, as SciPy's zero_method "wilcox" does. */
  readonly n: number;
  /** The smaller of the two sums of ranks. */
  readonly statistic: number;
  /** Two-sided, from all signs that are possible; null with equal ranks, zeros, or more than 50 values. */
  readonly pExact: number | null;
  /** Two-sided, by the normal distribution, corrected for equal ranks, not for continuity. */
  readonly pApproximate: number;
}

/** Null for fewer than two pairs. */
export function pairedTests(first: readonly number[], second: readonly number[]): PairedTests | null {
  const differences = first.map((value, i) => value - (second[i] as number));
  const n = differences.length;
  if (n < 2) return null;
  const meanDifference = mean(differences);
  const sd = standardDeviation(differences);
  const standardError = sd / Math.sqrt(n);
  const t = sd > 0 ? meanDifference / standardError : null;
  const pooled = Math.sqrt((standardDeviation(first) ** 2 + standardDeviation(second) ** 2) / 2);
  return {
    n,
    meanDifference,
    interval: intervalByT(meanDifference, standardError, n - 1),
    t,
    df: n - 1,
    p: t === null ? null : 2 * upperTailOfT(Math.abs(t), n - 1),
    cohenDz: sd > 0 ? meanDifference / sd : null,
    cohenDav: pooled > 0 ? (mean(first) - mean(second)) / pooled : null,
    wilcoxon: wilcoxon(differences),
  };
}

/** As SciPy, the exact distribution is used for so many values at most. */
const MOST_EXACT = 50;

/** Wilcoxon's signed rank test (Wilcoxon 1945), as SciPy's `wilcoxon`. Null where no difference is left. */
export function wilcoxon(differences: readonly number[]): Wilcoxon | null {
  const values = differences.filter((value) => value !== 0);
  const n = values.length;
  if (n === 0) return null;
  const { ranks, ties } = ranked(values.map(Math.abs));
  const plus = sum(ranks, (rank, i) => ((values[i] as number) > 0 ? rank : 0));
  const minus = (n * (n + 1)) / 2 - plus;
  const statistic = Math.min(plus, minus);
  const variance = (n * (n + 1) * (2 * n + 1) - ties / 2) / 24;
  const z = (statistic - (n * (n + 1)) / 4) / Math.sqrt(variance);
  const isExact = n <= MOST_EXACT && ties === 0 && n === differences.length;
  return {
    n,
    statistic,
    pExact: isExact ? exactP(statistic, n) : null,
    pApproximate: 2 * upperTailOfNormal(Math.abs(z)),
  };
}

/** Mean ranks from 1 on, and the sum of t^3 - t over groups of t equal values. */
function ranked(values: readonly number[]): { ranks: number[]; ties: number } {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = values.map(() => 0);
  let ties = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end++;
    for (const index of order.slice(start, end)) ranks[index] = (start + 1 + end) / 2;
    const equal = end - start;
    ties += equal ** 3 - equal;
    start = end;
  }
  return { ranks, ties };
}

/** Twice the share of all 2^n signs whose sum of ranks is at most the statistic. */
function exactP(statistic: number, n: number): number {
  const ways = new Float64Array((n * (n + 1)) / 2 + 1);
  ways[0] = 1;
  for (let rank = 1; rank <= n; rank++)
    for (let total = ways.length - 1; total >= 0; total--)
      // Halved at each rank: shares of all signs, which stay below 1.
      ways[total] = ((ways[total] as number) + (ways[total - rank] ?? 0)) / 2;
  return Math.min(1, 2 * sum(ways.subarray(0, statistic + 1), (way) => way));
}
