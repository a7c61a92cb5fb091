import type { Box } from '../../array-view.ts';
import { AXES, type Axis, type Shape3 } from '../../array3.ts';
import { roundHalfToEven } from '../../resampling/resample.ts';
import { everyStart } from '../sliding-window.ts';
import { padding } from '../window.ts';

/** Share of the patch round its middle in which a window decides. */
const CORE = 0.6;
/** Distance between neighbouring windows on the organ, at most, as a share of the patch. */
const STEP = 0.6;
/** Nearer than this share of the patch, two windows see the same. */
const SAME = 0.125;

/** Corners of as many windows as a box needs to lie in their cores, or at the image's own edge. */
export function windowsOn(box: Box, shape: Shape3, patchSize: Shape3): Shape3[] {
  const { padded, before } = padding(shape, patchSize);
  const along = (axis: Axis) => {
    const patch = patchSize[axis];
    const core = CORE * patch;
    const count = Math.max(0, Math.ceil((box.shape[axis] - core) / (STEP * patch))) + 1;
    const step = count > 1 ? (box.shape[axis] - core) / (count - 1) : 0;
    const first = count > 1 ? box.start[axis] + core / 2 : box.start[axis] + box.shape[axis] / 2;
    const lowest = -before[axis];
    const highest = lowest + padded[axis] - patch;
    return Array.from({ length: count }, (_, i) => {
      const corner = roundHalfToEven(first + i * step - patch / 2);
      return Math.min(highest, Math.max(lowest, corner));
    }).filter((corner, i, corners) => corner !== corners[i - 1]);
  };
  return [...everyStart([along(0), along(1), along(2)])];
}

/** Those of `wanted` that none of the windows `had` can stand for. */
export function missing(
  wanted: readonly Shape3[],
  had: readonly Shape3[],
  patchSize: Shape3,
): readonly Shape3[] {
  const isNear = (a: Shape3, b: Shape3) =>
    AXES.every((axis) => Math.abs(a[axis] - b[axis]) <= SAME * patchSize[axis]);
  return wanted.filter((corner) => !had.some((other) => isNear(corner, other)));
}
