import type { Box } from '../array-view.ts';
import { type Array3, AXES, type Axis, elements, type Shape3 } from '../array3.ts';
import { clipTo, type Ranges, rangesOf } from './clip.ts';
import { nearestIndices } from './coordinates.ts';
import { splineResizeStretch, splineSources } from './spline.ts';

/**
 * As `resampleImage`, but for a box of the new grid at a time, each from what lies around it on the old one.
 * @returns makes the values of a box
 */
export function partialResampler(
  image: Array3<Float32Array>,
  shape: Shape3,
  separate: Axis | undefined,
): (box: Box) => Array3<Float32Array> {
  const growth = (axis: Axis) => shape[axis] / image.shape[axis];
  const splined = AXES.filter((axis) => axis !== separate && shape[axis] !== image.shape[axis]).toSorted(
    (a, b) => growth(a) - growth(b),
  );
  const ranges = splined.length > 0 ? rangesOf(image, separate) : undefined;
  const nearest = separate === undefined ? undefined : nearestIndices(image.shape[separate], shape[separate]);
  return (box) => {
    const stretch = (axis: Axis) => ({ start: box.start[axis], length: box.shape[axis] });
    const sources = AXES.map((axis) => {
      if (axis === separate && nearest)
        return nearest.subarray(box.start[axis], box.start[axis] + box.shape[axis]);
      const from = splined.includes(axis)
        ? splineSources(image.shape[axis], shape[axis], stretch(axis))
        : stretch(axis);
      return Int32Array.from({ length: from.length }, (_, i) => from.start + i);
    }) as [Int32Array, Int32Array, Int32Array];
    const resized = splined.reduce(
      (array, axis) => splineResizeStretch(array, axis, [image.shape[axis], shape[axis]], stretch(axis)),
      taken(image, sources),
    );
    if (ranges)
      clipTo(separate === undefined ? ranges : rangesAt(ranges, sources[separate]), resized, separate);
    return resized;
  };
}

/** The values at some indices along each axis. */
function taken(
  { data, shape: [, n1, n2] }: Array3<Float32Array>,
  [indices0, indices1, indices2]: readonly [Int32Array, Int32Array, Int32Array],
): Array3<Float32Array> {
  const shape: Shape3 = [indices0.length, indices1.length, indices2.length];
  const values = new Float32Array(elements(shape));
  let at = 0;
  for (const i of indices0) {
    for (const j of indices1) {
      const row = (i * n1 + j) * n2;
      for (let k = 0; k < indices2.length; k++) values[at++] = data[row + (indices2[k] as number)] as number;
    }
  }
  return { data: values, shape };
}

const rangesAt = ({ low, high }: Ranges, slices: Int32Array): Ranges => ({
  low: Float32Array.from(slices, (slice) => low[slice] as number),
  high: Float32Array.from(slices, (slice) => high[slice] as number),
});
