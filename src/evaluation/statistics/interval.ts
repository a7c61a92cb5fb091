import { quantileOfT } from './distributions.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Both sides of every confidence interval together leave out this share. */
export const LEFT_OUT = 0.05;

/** 95 % by Student's t. */
export function intervalByT(middle: number, standardError: number, df: number): Interval {
  const reach = quantileOfT(LEFT_OUT / 2, df) * standardError;
  return { low: middle - reach, high: middle + reach };
}
