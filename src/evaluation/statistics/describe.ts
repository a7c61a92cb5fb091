export interface Description {
  readonly n: number;
  readonly mean: number | null;
  /** With n - 1; null for fewer than two values. */
  readonly sd: number | null;
  readonly median: number | null;
  readonly firstQuartile: number | null;
  readonly thirdQuartile: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

/** Quartiles are interpolated linearly between ranks, as NumPy does and R by default (type 7). */
export function describe(values: readonly number[]): Description {
  const sorted = Float64Array.from(values).sort();
  const n = sorted.length;
  const at = (share: number) => (n === 0 ? null : quantile(sorted, share));
  return {
    n,
    mean: n === 0 ? null : mean(values),
    sd: n < 2 ? null : standardDeviation(values),
    median: at(0.5),
    firstQuartile: at(0.25),
    thirdQuartile: at(0.75),
    least: at(0),
    most: at(1),
  };
}

export function mean(values: ArrayLike<number>): number {
  const rough = sum(values, (value) => value) / values.length;
  // What rounding left out of the sum.
  return rough + sum(values, (value) => value - rough) / values.length;
}

/** Sum of squared deviations from the mean. */
export function squares(values: ArrayLike<number>): number {
  const middle = mean(values);
  return sum(values, (value) => (value - middle) ** 2);
}

/** With n - 1. */
export const standardDeviation = (values: ArrayLike<number>): number =>
  Math.sqrt(squares(values) / (values.length - 1));

/** @param sorted ascending, one value or more */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (place - below);
}

export function sum(values: ArrayLike<number>, of: (value: number, index: number) => number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += of(values[i] as number, i);
  return total;
}
