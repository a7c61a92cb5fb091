import { plainView } from '../array-view.ts';
import {
  type Array3,
  AXES,
  type Axis,
  axisLayout,
  elements,
  type Shape3,
  sameShape,
  withLength,
} from '../array3.ts';
import { clipTo, rangesOf } from './clip.ts';
import { linearTaps } from './linear.ts';
import { coarsestAxis, resampleImage, type Spacing, separateAxis, takeNearest } from './resample.ts';
import type { Resampling } from './resampling.ts';
import { splineResizeAxis } from './spline.ts';

/**
 * The axis that nnU-Net v2 resamples apart from the two others (determine_do_sep_z_and_axis), from one
 * spacing to another.
 */
export function separateAxisAs(
  { forceSeparateZ, anisotropy }: Resampling,
  from: Spacing,
  to: Spacing,
): Axis | undefined {
  if (forceSeparateZ === null) return separateAxis(from, to, anisotropy);
  return forceSeparateZ ? coarsestAxis(from) : undefined;
}

/**
 * Resamples as nnU-Net v2's resample_data_or_seg_to_shape does with these arguments. Order 3 is a cubic
 * spline clipped to the input's range, with a separate axis slice by slice; along that axis nothing is
 * clipped. At the same shape the image itself comes back.
 */
export function resampleAs(
  image: Array3<Float32Array>,
  shape: Shape3,
  separate: Axis | undefined,
  { order, orderZ }: Resampling,
): Array3<Float32Array> {
  if (sameShape(image.shape, shape)) return image;
  if (order === 3 && (separate === undefined || orderZ === 0)) return resampleImage(image, shape, separate);
  const across = AXES.filter((axis) => axis !== separate);
  const resized = across.reduce((array, axis) => resizeAxis(array, axis, shape[axis], order), image);
  if (order === 3 && resized !== image)
    clipTo(rangesOf(image.data, plainView(image.shape), separate), resized, separate);
  return separate === undefined ? resized : resizeAxis(resized, separate, shape[separate], orderZ);
}

function resizeAxis(
  image: Array3<Float32Array>,
  axis: Axis,
  length: number,
  order: Resampling['order'],
): Array3<Float32Array> {
  if (image.shape[axis] === length) return image;
  if (order === 3) return splineResizeAxis(image, axis, length);
  return order === 0 ? takeNearest(image, axis, length) : linearResizeAxis(image, axis, length);
}

function linearResizeAxis({ data, shape }: Array3<Float32Array>, axis: Axis, newLength: number) {
  const { outer, length, inner } = axisLayout(shape, axis);
  const { low, high, share } = linearTaps(length, newLength);
  const resized = { data: new Float32Array(elements(withLength(shape, axis, newLength))), shape };
  let target = 0;
  for (let block = 0; block < outer; block++) {
    for (let i = 0; i < newLength; i++) {
      const first = (block * length + (low[i] as number)) * inner;
      const second = (block * length + (high[i] as number)) * inner;
      const part = share[i] as number;
      for (let k = 0; k < inner; k++)
        resized.data[target++] =
          (1 - part) * (data[first + k] as number) + part * (data[second + k] as number);
    }
  }
  return { ...resized, shape: withLength(shape, axis, newLength) };
}
