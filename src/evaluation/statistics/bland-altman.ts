import type { Pairs } from './correlation.ts';
import { mean, standardDeviation } from './describe.ts';
import { type Interval, intervalByT } from './interval.ts';

/** Values are predicted less labelled, in the unit of the values. */
export interface BlandAltman {
  readonly n: number;
  readonly bias: number;
  readonly biasInterval: Interval;
  /** Of the differences, with n - 1. */
  readonly sd: number;
  readonly lowerLimit: number;
  readonly lowerLimitInterval: Interval;
  readonly upperLimit: number;
  readonly upperLimitInterval: Interval;
}

/** Limits of agreement are the bias +- so many standard deviations. */
const REACH = 1.96;

/**
 * Bland and Altman, Lancet 1986: bias and limits of agreement, with 95 % intervals by t at n - 1 degrees; the
 * standard error of the bias is sd / sqrt(n), that of a limit sd * sqrt(3 / n), as in pingouin. Null for
 * fewer than two pairs.
 */
export function blandAltman({ predicted, labelled }: Pairs): BlandAltman | null {
  const differences = predicted.map((value, i) => value - (labelled[i] as number));
  const n = differences.length;
  if (n < 2) return null;
  const bias = mean(differences);
  const sd = standardDeviation(differences);
  const lowerLimit = bias - REACH * sd;
  const upperLimit = bias + REACH * sd;
  const ofLimit = sd * Math.sqrt(3 / n);
  return {
    n,
    bias,
    biasInterval: intervalByT(bias, sd / Math.sqrt(n), n - 1),
    sd,
    lowerLimit,
    lowerLimitInterval: intervalByT(lowerLimit, ofLimit, n - 1),
    upperLimit,
    upperLimitInterval: intervalByT(upperLimit, ofLimit, n - 1),
  };
}
