import type { VoxelArray } from '../../dicom/volume.ts';
import type { ArrayView } from '../array-view.ts';
import { type Array3, AXES, type Axis, axisLayout } from '../array3.ts';

/** Smallest and largest value of each slice across an axis, or of the whole. */
export interface Ranges {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/**
 * @param data without NaN
 * @param view of the array in `data`
 * @param axis the ranges are those of the slices across it; undefined: one of the whole array
 */
export function rangesOf(
  data: VoxelArray,
  { shape, origin, steps }: ArrayView,
  axis: Axis | undefined,
): Ranges {
  const slices = axis === undefined ? 1 : shape[axis];
  const low = new Float32Array(slices).fill(Number.POSITIVE_INFINITY);
  const high = new Float32Array(slices).fill(Number.NEGATIVE_INFINITY);
  // Stretches of one slice, along the axis that lies closest in memory.
  const [outer, middle, inner] = AXES.toSorted(
    (a, b) => Number(b === axis) - Number(a === axis) || Math.abs(steps[b]) - Math.abs(steps[a]),
  ) as [Axis, Axis, Axis];
  for (let i = 0; i < shape[outer]; i++) {
    const slice = axis === undefined ? 0 : i;
    let least = low[slice] as number;
    let most = high[slice] as number;
    for (let j = 0; j < shape[middle]; j++) {
      let at = origin + i * steps[outer] + j * steps[middle];
      for (let k = 0; k < shape[inner]; k++, at += steps[inner]) {
        const value = data[at] as number;
        if (value < least) least = value;
        if (value > most) most = value;
      }
    }
    low[slice] = least;
    high[slice] = most;
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
