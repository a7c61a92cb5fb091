import type { VoxelArray } from '../dicom/volume.ts';
import { type Axes, permuted, type Shape3 } from './array3.ts';

/** A box of voxels: first index and length along each axis, slowest axis first. */
export interface Box {
  readonly start: Shape3;
  readonly shape: Shape3;
}

/**
 * Values in a box of an array that is 0 elsewhere: the outermost ones are 0 too, unless they lie at the
 * array's own edge.
 */
export interface ArrayPart {
  /** Of the box. */
  readonly data: Float32Array;
  readonly box: Box;
  /** Of the array. */
  readonly shape: Shape3;
}

/** Whole-axis rearrangement: result axis i runs along source axis `axes[i]`, backwards where `flipped[i]`. */
export interface Arrangement {
  readonly axes: Axes;
  readonly flipped: readonly [boolean, boolean, boolean];
}

/** An arrangement followed by numpy.transpose: result axis i is the arrangement's axis `axes[i]`. */
export function transposed(arrangement: Arrangement, axes: Axes): Arrangement {
  return { axes: permuted(arrangement.axes, axes), flipped: permuted(arrangement.flipped, axes) };
}

/**
 * A box of an array with its axes rearranged, where it lies, without a copy: element [i, j, k] is
 * data[origin + i * steps[0] + j * steps[1] + k * steps[2]].
 */
export interface ArrayView {
  readonly shape: Shape3;
  readonly origin: number;
  readonly steps: Shape3;
}

/** @param shape of the whole array, in which `box` lies */
export function viewOf(shape: Shape3, box: Box, { axes, flipped }: Arrangement): ArrayView {
  const strides = [shape[1] * shape[2], shape[2], 1] as const;
  const lengths = permuted(box.shape, axes);
  const starts = permuted(box.start, axes);
  const along = permuted(strides, axes);
  let origin = 0;
  for (const axis of [0, 1, 2] as const) {
    const first = starts[axis] + (flipped[axis] ? lengths[axis] - 1 : 0);
    origin += first * along[axis];
  }
  const step = (axis: 0 | 1 | 2) => (flipped[axis] ? -along[axis] : along[axis]);
  return { shape: lengths, origin, steps: [step(0), step(1), step(2)] };
}

/** Of an array as it lies. */
export const plainView = (shape: Shape3): ArrayView => ({
  shape,
  origin: 0,
  steps: [shape[1] * shape[2], shape[2], 1],
});

/** Index of a view's element in the array below it. */
export function indexIn({ origin, steps }: ArrayView, [i, j, k]: Shape3): number {
  return origin + i * steps[0] + j * steps[1] + k * steps[2];
}

/** Copies what a view shows, as float32. */
export function readView(data: VoxelArray, { shape, origin, steps }: ArrayView): Float32Array {
  const [n0, n1, n2] = shape;
  const copy = new Float32Array(n0 * n1 * n2);
  let target = 0;
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      let source = origin + i * steps[0] + j * steps[1];
      for (let k = 0; k < n2; k++, source += steps[2]) copy[target++] = data[source] as number;
    }
  }
  return copy;
}
