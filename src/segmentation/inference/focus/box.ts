import type { Box } from '../../array-view.ts';
import { AXES, type Axis, type Shape3 } from '../../array3.ts';

const along = (value: (axis: Axis) => number): Shape3 => [value(0), value(1), value(2)];

export const endOf = ({ start, shape }: Box): Shape3 => along((axis) => start[axis] + shape[axis]);

/** From `start` up to, not including, `end`. */
export const boxBetween = (start: Shape3, end: Shape3): Box => ({
  start,
  shape: along((axis) => end[axis] - start[axis]),
});

/** The smallest box around both. */
export const unite = (a: Box, b: Box): Box =>
  boxBetween(
    along((axis) => Math.min(a.start[axis], b.start[axis])),
    along((axis) => Math.max(endOf(a)[axis], endOf(b)[axis])),
  );

/** The box and what lies up to `margin` voxels around it in an image of shape `within`. */
export const grown = (box: Box, margin: Shape3, within: Shape3): Box =>
  boxBetween(
    along((axis) => Math.max(0, box.start[axis] - margin[axis])),
    along((axis) => Math.min(within[axis], endOf(box)[axis] + margin[axis])),
  );

export const overlap = (a: Box, b: Box): boolean =>
  AXES.every((axis) => a.start[axis] < endOf(b)[axis] && b.start[axis] < endOf(a)[axis]);
