import { plainView } from '../array-view.ts';
import { type Array3, AXES, type Axis, axisLayout, type Shape3, sameShape, withLength } from '../array3.ts';
import { clipTo, rangesOf } from './clip.ts';
import { nearestIndices } from './coordinates.ts';
import { splineResizeAxis } from './spline.ts';

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
export function separateAxis(
  first: Spacing,
  second: Spacing,
  anisotropy = SEPARATE_Z_ANISOTROPY,
): Axis | undefined {
  const isAnisotropic = (spacing: Spacing) => Math.max(...spacing) / Math.min(...spacing) > anisotropy;
  const deciding = [first, second].find(isAnisotropic);
  return deciding && coarsestAxis(deciding);
}

/** The axis with the largest spacing; none where two share it. */
export function coarsestAxis(spacing: Spacing): Axis | undefined {
  const coarsest = Math.max(...spacing);
  const [axis, ...others] = AXES.filter((candidate) => coarsest / spacing[candidate] === 1);
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
 * the nearest slice along it. At the same shape the image itself comes back.
 */
export function resampleImage(
  image: Array3<Float32Array>,
  shape: Shape3,
  separate: Axis | undefined,
): Array3<Float32Array> {
  if (sameShape(image.shape, shape)) return image;
  if (separate === undefined) return splineResize(image, shape, undefined);
  const slices = shape[separate];
  // Each new slice comes from one old slice, so that taking slices and resizing them may change places: the
  // cheaper first.
  if (slices < image.shape[separate]) {
    return splineResize(takeNearest(image, separate, slices), shape, separate);
  }
  const inPlane = withLength(shape, separate, image.shape[separate]);
  return takeNearest(splineResize(image, inPlane, separate), separate, slices);
}

/** @param separate its length stays, and slices across it are clipped each to its own range */
function splineResize(
  image: Array3<Float32Array>,
  shape: Shape3,
  separate: Axis | undefined,
): Array3<Float32Array> {
  // The axes commute. Those that shrink go first: less to do for the rest.
  const growth = (axis: Axis) => shape[axis] / image.shape[axis];
  const resized = AXES.toSorted((a, b) => growth(a) - growth(b)).reduce(
    (array, axis) => splineResizeAxis(array, axis, shape[axis]),
    image,
  );
  // Nothing was resized, so that the values are the image's own.
  if (resized !== image) clipTo(rangesOf(image.data, plainView(image.shape), separate), resized, separate);
  return resized;
}

export function takeNearest(
  image: Array3<Float32Array>,
  axis: Axis,
  newLength: number,
): Array3<Float32Array> {
  const { outer, length, inner } = axisLayout(image.shape, axis);
  if (length === newLength) return image;
  const nearest = nearestIndices(length, newLength);
  const data = new Float32Array(outer * newLength * inner);
  for (let block = 0; block < outer; block++) {
    for (let i = 0; i < newLength; i++) {
      const start = (block * length + (nearest[i] as number)) * inner;
      const target = (block * newLength + i) * inner;
      for (let k = 0; k < inner; k++) data[target + k] = image.data[start + k] as number;
    }
  }
  return { data, shape: withLength(image.shape, axis, newLength) };
}
