import { AXES, type Shape3 } from '../../array3.ts';
import type { WindowedImage } from '../windowed-image.ts';

/** Every so many voxels along each axis are looked at. */
const STRIDE = 4;
/** Between air and what is brightest, as a share of the way. */
const AIR = 0.1;
/** A window in which less than this share is body holds no organ. */
const LEAST_BODY = 0.005;

/** Where the patient is in an image. */
export interface Body {
  /** Voxels from the image's first one. */
  readonly middle: Shape3;
  isIn(corner: Shape3, patchSize: Shape3): boolean;
}

/**
 * Tells the patient from the air around, roughly: by what is brighter than a tenth of the way from the
 * darkest voxel to nearly the brightest.
 */
export function findBody(image: WindowedImage): Body {
  const { shape } = image;
  const { data: coarse, shape: coarsened } = image.coarse(STRIDE);
  const [n0, n1, n2] = coarsened;
  const sorted = coarse.toSorted();
  const darkest = sorted[0] as number;
  const brightest = sorted[Math.floor(0.99 * (sorted.length - 1))] as number;
  // An image that is nearly all the same has no air around it.
  const limit = brightest > darkest ? darkest + AIR * (brightest - darkest) : -Infinity;

  const sums = [0, 0, 0];
  let count = 0;
  let at = 0;
  for (let i = 0; i < n0; i++)
    for (let j = 0; j < n1; j++)
      for (let k = 0; k < n2; k++)
        if ((coarse[at++] as number) > limit) {
          for (const [axis, index] of [i, j, k].entries()) sums[axis] = (sums[axis] as number) + index;
          count++;
        }
  const middle = (axis: 0 | 1 | 2) =>
    count > 0 ? (STRIDE * (sums[axis] as number)) / count : shape[axis] / 2;
  return {
    middle: [middle(0), middle(1), middle(2)],
    isIn(corner, patchSize) {
      const first = AXES.map((axis) => Math.max(0, Math.ceil(corner[axis] / STRIDE)));
      const end = AXES.map((axis) => Math.min(coarsened[axis], (corner[axis] + patchSize[axis]) / STRIDE));
      let inside = 0;
      let all = 0;
      for (let i = first[0] as number; i < (end[0] as number); i++)
        for (let j = first[1] as number; j < (end[1] as number); j++)
          for (let k = first[2] as number; k < (end[2] as number); k++) {
            all++;
            if ((coarse[(i * n1 + j) * n2 + k] as number) > limit) inside++;
          }
      return all > 0 && inside >= LEAST_BODY * all;
    },
  };
}
