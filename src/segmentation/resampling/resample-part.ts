import type { VoxelArray } from '../../dicom/volume.ts';
import type { ArrayView, Box } from '../array-view.ts';
import { type Array3, AXES, type Axis, elements, type Shape3 } from '../array3.ts';
import { clipTo, type Ranges, rangesOf } from './clip.ts';
import { nearestIndices } from './coordinates.ts';
import { splineResizeStretch, splineSources } from './spline.ts';

/**
 * As `resampleImage`, but for a box of the new grid at a time, each from what lies around it on the old one.
 * @param data without NaN
 * @param view of the image in `data`
 * @returns makes the values of a box
 */
export function partialResampler(
  data: VoxelArray,
  view: ArrayView,
  shape: Shape3,
  separate: Axis | undefined,
): (box: Box) => Array3<Float32Array> {
  const old = view.shape;
  const growth = (axis: Axis) => shape[axis] / old[axis];
  const splined = AXES.filter((axis) => axis !== separate && shape[axis] !== old[axis]).toSorted(
    (a, b) => growth(a) - growth(b),
  );
  const ranges = splined.length > 0 ? rangesOf(data, view, separate) : undefined;
  const nearest = separate === undefined ? undefined : nearestIndices(old[separate], shape[separate]);
  return (box) => {
    const stretch = (axis: Axis) => ({ start: box.start[axis], length: box.shape[axis] });
    const sources = AXES.map((axis) => {
      if (axis === separate && nearest)
        return nearest.subarray(box.start[axis], box.start[axis] + box.shape[axis]);
      const from = splined.includes(axis)
        ? splineSources(old[axis], shape[axis], stretch(axis))
        : stretch(axis);
      return Int32Array.from({ length: from.length }, (_, i) => from.start + i);
    }) as [Int32Array, Int32Array, Int32Array];
    const resized = splined.reduce(
      (array, axis) => splineResizeStretch(array, axis, [old[axis], shape[axis]], stretch(axis)),
      taken(data, view, sources),
    );
    if (ranges)
      clipTo(separate === undefined ? ranges : rangesAt(ranges, sources[separate]), resized, separate);
    return resized;
  };
}

/** The values at some indices along each axis. */
function taken(
  data: VoxelArray,
  { origin, steps }: ArrayView,
  [indices0, indices1, indices2]: readonly [Int32Array, Int32Array, Int32Array],
): Array3<Float32Array> {
  const shape: Shape3 = [indices0.length, indices1.length, indices2.length];
  const values = new Float32Array(elements(shape));
  let at = 0;
  for (const i of indices0) {
    for (const j of indices1) {
      const row = origin + i * steps[0] + j * steps[1];
      for (let k = 0; k < indices2.length; k++)
        values[at++] = data[row + (indices2[k] as number) * steps[2]] as number;
    }
  }
  return { data: values, shape };
}

const rangesAt = ({ low, high }: Ranges, slices: Int32Array): Ranges => ({
  low: Float32Array.from(slices, (slice) => low[slice] as number),
  high: Float32Array.from(slices, (slice) => high[slice] as number),
});
