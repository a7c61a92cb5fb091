import { type Array3, type Axis, axisLayout } from '../array3.ts';

/** Smallest and largest value of each slice across an axis, or of the whole. */
export interface Ranges {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** @param axis the ranges are those of the slices across it; undefined: one of the whole array */
export function rangesOf({ data, shape }: Array3<Float32Array>, axis: Axis | undefined): Ranges {
  const { outer, length, inner } = layout(data.length, shape, axis);
  const low = new Float32Array(length).fill(Number.POSITIVE_INFINITY);
  const high = new Float32Array(length).fill(Number.NEGATIVE_INFINITY);
  for (let block = 0; block < outer; block++) {
    for (let slice = 0; slice < length; slice++) {
      const start = (block * length + slice) * inner;
      let least = low[slice] as number;
      let most = high[slice] as number;
      for (let i = start; i < start + inner; i++) {
        const value = data[i] as number;
        if (value < least) least = value;
        if (value > most) most = value;
      }
      low[slice] = least;
      high[slice] = most;
    }
  }
  return { low, high };
}

/** Clips, in place, each slice across an axis to its range, or the whole to the only one. */
export function clipTo(
  { low, high }: Ranges,
  { data, shape }: Array3<Float32Array>,
  axis: Axis | undefined,
): void {
  const { outer, length, inner } = layout(data.length, shape, axis);
  for (let block = 0; block < outer; block++) {
    for (let slice = 0; slice < length; slice++) {
      const start = (block * length + slice) * inner;
      const least = low[slice] as number;
      const most = high[slice] as number;
      for (let i = start; i < start + inner; i++) {
        const value = data[i] as number;
        if (value < least) data[i] = least;
        else if (value > most) data[i] = most;
      }
    }
  }
}

function layout(
  elements: number,
  shape: Array3['shape'],
  axis: Axis | undefined,
): { outer: number; length: number; inner: number } {
  return axis === undefined ? { outer: 1, length: 1, inner: elements } : axisLayout(shape, axis);
}
