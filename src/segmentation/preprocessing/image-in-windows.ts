import type { VoxelArray } from '../../dicom/volume.ts';
import { type ArrayView, indexIn } from '../array-view.ts';
import { AXES, type Axis, elements, type Shape3 } from '../array3.ts';
import { coarseShape, copyWindow, type WindowedImage } from '../inference/windowed-image.ts';
import { oldCoordinate } from '../resampling/coordinates.ts';
import { partialResampler } from '../resampling/resample-part.ts';

/**
 * An image of which each window is resampled and normalized when it is read.
 * @param data without NaN
 * @param view of the image in `data`, on the volume's grid
 * @param shape on the network's grid
 * @param normalize in place; says of each value alone what becomes of it
 */
export function imageInWindows(
  data: VoxelArray,
  view: ArrayView,
  shape: Shape3,
  separate: Axis | undefined,
  normalize: (voxels: Float32Array) => void,
): WindowedImage {
  const resample = partialResampler(data, view, shape, separate);
  return {
    shape,
    read(corner, window) {
      const start = (axis: Axis) => Math.max(0, corner[axis]);
      const length = (axis: Axis) => Math.min(shape[axis], corner[axis] + window.shape[axis]) - start(axis);
      const box = {
        start: [start(0), start(1), start(2)] as const,
        shape: [length(0), length(1), length(2)] as const,
      };
      if (AXES.some((axis) => box.shape[axis] <= 0)) {
        window.data.fill(0);
        return;
      }
      const part = resample(box);
      normalize(part.data);
      const inPart = (axis: Axis) => corner[axis] - box.start[axis];
      copyWindow(part, [inPart(0), inPart(1), inPart(2)], window);
    },
    coarse(stride) {
      const coarse = coarseShape(shape, stride);
      const values = new Float32Array(elements(coarse));
      const [old0, old1, old2] = AXES.map((axis) =>
        Array.from({ length: coarse[axis] }, (_, i) => nearest(stride * i, view.shape[axis], shape[axis])),
      ) as [number[], number[], number[]];
      let at = 0;
      for (const i of old0)
        for (const j of old1) for (const k of old2) values[at++] = data[indexIn(view, [i, j, k])] as number;
      normalize(values);
      return { data: values, shape: coarse };
    },
  };
}

const nearest = (index: number, oldLength: number, newLength: number): number =>
  Math.min(oldLength - 1, Math.max(0, Math.round(oldCoordinate(index, oldLength, newLength))));
