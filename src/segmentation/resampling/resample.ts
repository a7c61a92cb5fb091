import type { Array3, Shape3 } from '../array3.ts';
import { linearResize, nearestIndices } from './linear.ts';
import { splineResizeAxis } from './spline.ts';

type Axis = 0 | 1 | 2;
const AXES = [0, 1, 2] as const;

/**
 * nnU-Net v1's RESAMPLING_SEPARATE_Z_ANISO_THRESHOLD: from this ratio of spacings on, the coarse axis is left
 * alone.
 */
const SEPARATE_Z_ANISOTROPY = 3;

/** Spacing in mm along each axis, slowest first. */
export type Spacing = Shape3;

/**
 * The axis that is resampled apart from the two others: asked of the first spacing, then of the second
 * (nnU-Net v1 `resample_patient`). None when two axes share the largest spacing.
 */
export function separateAxis(first: Spacing, second: Spacing): Axis | undefined {
  const isAnisotropic = (spacing: Spacing) =>
    Math.max(...spacing) / Math.min(...spacing) > SEPARATE_Z_ANISOTROPY;
  const deciding = [first, second].find(isAnisotropic);
  if (!deciding) return undefined;
  const coarsest = Math.max(...deciding);
  const [axis, ...others] = AXES.filter((candidate) => coarsest / deciding[candidate] === 1);
  return others.length === 0 ? axis : undefined;
}

/** The shape that an array takes at another spacing. */
export function resampledShape(shape: Shape3, spacing: Spacing, target: Spacing): Shape3 {
  const along = (axis: Axis) => roundHalfToEven((spacing[axis] / target[axis]) * shape[axis]);
  return [along(0), along(1), along(2)];
}

/** numpy.round: 2.5 becomes 2, 3.5 becomes 4. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Resamples an image as nnU-Net v1 does (`resample_data_or_seg`, order 3, order_z 0): a cubic spline clipped
 * to the input's range; with a separate axis, slice by slice across it, each clipped to its own range, and
 * the nearest slice along it.
 */
export function resampleImage(
  image: Array3<Float32Array>,
  shape: Shape3,
  separate: Axis | undefined,
): Array3<Float32Array> {
  if (AXES.every((axis) => image.shape[axis] === shape[axis])) return image;
  if (separate === undefined) {
    const resized = splineResize(image, shape, AXES);
    clipLike(resized.data, image.data);
    return resized;
  }
  const inPlane = AXES.filter((axis) => axis !== separate);
  // Each new slice comes from one old slice, so that taking slices and resizing them may change places: the
  // cheaper first.
  if (shape[separate] < image.shape[separate]) {
    const taken = takeNearest(image, separate, shape[separate]);
    return clipSlicesLike(splineResize(taken, shape, inPlane), taken, separate);
  }
  const resized = clipSlicesLike(splineResize(image, shape, inPlane), image, separate);
  return takeNearest(resized, separate, shape[separate]);
}

/** Resamples probabilities as nnU-Net v1 does: linearly, and by the nearest slice along a separate axis. */
export function resampleProbability(
  probability: Array3<Float32Array>,
  shape: Shape3,
  separate: Axis | undefined,
): Array3<Float32Array> {
  return linearResize(probability, shape, separate);
}

/**
 * Resamples a mask as nnU-Net v1's `resize_segmentation` does with order 1. In-plane slices are rounded
 * before the nearest of them is taken, which is the same as rounding afterwards.
 */
export function resampleMask(
  mask: Array3<Uint8Array>,
  shape: Shape3,
  separate: Axis | undefined,
): Array3<Uint8Array> {
  const { data } = linearResize({ data: Float32Array.from(mask.data), shape: mask.shape }, shape, separate);
  return { data: Uint8Array.from(data, (share) => (share >= 0.5 ? 1 : 0)), shape };
}

function splineResize(
  image: Array3<Float32Array>,
  shape: Shape3,
  axes: readonly Axis[],
): Array3<Float32Array> {
  // The axes commute. Those that shrink go first: less to do for the rest.
  const growth = (axis: Axis) => shape[axis] / image.shape[axis];
  return axes
    .toSorted((a, b) => growth(a) - growth(b))
    .reduce((resized, axis) => splineResizeAxis(resized, axis, shape[axis]), image);
}

function clipLike(values: Float32Array, range: Float32Array): void {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of range) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < low) values[i] = low;
    else if (value > high) values[i] = high;
  }
}

/** Clips each slice across `axis` to the range of the same slice of another array. */
function clipSlicesLike(
  values: Array3<Float32Array>,
  range: Array3<Float32Array>,
  axis: Axis,
): Array3<Float32Array> {
  const slices = values.shape[axis];
  const low = new Float32Array(slices).fill(Number.POSITIVE_INFINITY);
  const high = new Float32Array(slices).fill(Number.NEGATIVE_INFINITY);
  forEachRun(range.shape, axis, (slice, start, end) => {
    let least = low[slice] as number;
    let most = high[slice] as number;
    for (let i = start; i < end; i++) {
      const value = range.data[i] as number;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    low[slice] = least;
    high[slice] = most;
  });
  forEachRun(values.shape, axis, (slice, start, end) => {
    const least = low[slice] as number;
    const most = high[slice] as number;
    for (let i = start; i < end; i++) {
      const value = values.data[i] as number;
      values.data[i] = value < least ? least : value > most ? most : value;
    }
  });
  return values;
}

function takeNearest(image: Array3<Float32Array>, axis: Axis, newLength: number): Array3<Float32Array> {
  const length = image.shape[axis];
  if (length === newLength) return image;
  const [n0, n1, n2] = image.shape;
  const inner = axis === 2 ? 1 : axis === 1 ? n2 : n1 * n2;
  const outer = (n0 * n1 * n2) / (inner * length);
  const nearest = nearestIndices(length, newLength);
  const data = new Float32Array(outer * newLength * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < newLength; i++) {
      const start = (o * length + (nearest[i] as number)) * inner;
      const target = (o * newLength + i) * inner;
      for (let k = 0; k < inner; k++) data[target + k] = image.data[start + k] as number;
    }
  }
  const shape: Shape3 = [
    axis === 0 ? newLength : n0,
    axis === 1 ? newLength : n1,
    axis === 2 ? newLength : n2,
  ];
  return { data, shape };
}

/** Calls back with the stretches of memory that belong to one slice across `axis`. */
function forEachRun(
  [n0, n1, n2]: Shape3,
  axis: Axis,
  callback: (slice: number, start: number, end: number) => void,
): void {
  const slices = [n0, n1, n2][axis] as number;
  const inner = axis === 2 ? 1 : axis === 1 ? n2 : n1 * n2;
  const runs = (n0 * n1 * n2) / inner;
  for (let run = 0; run < runs; run++) callback(run % slices, run * inner, (run + 1) * inner);
}
