import { type Array3, type Axis, elements, type Shape3, sameShape } from '../array3.ts';
import { forEachResizedPlane, type LinearTaps, tapsOf } from './linear.ts';

/** Shares of one half that differ by no more than this differ by nothing but rounding. */
const ROUNDING = 1e-12;

/**
 * Resamples a mask as nnU-Net v1's `resize_segmentation` does with order 1: inside where at least half is.
 * With a separate axis, the nearest slice along it; slices are rounded before, which is the same as
 * afterwards.
 */
export function resampleMask(
  mask: Array3<Uint8Array>,
  shape: Shape3,
  separate: Axis | undefined,
): Array3<Uint8Array> {
  if (sameShape(mask.shape, shape)) return mask;
  const data = new Uint8Array(elements(shape));
  const taps = tapsOf(mask.shape, shape, separate);
  forEachResizedPlane(mask, shape, separate, (plane, i) => {
    const start = i * plane.length;
    for (let at = 0; at < plane.length; at++) {
      const share = plane[at] as number;
      const isInside =
        Math.abs(share - 0.5) > ROUNDING
          ? share > 0.5
          : isTieInside(mask, taps, [i, Math.floor(at / shape[2]), at % shape[2]]);
      data[start + at] = isInside ? 1 : 0;
    }
  });
  return { data, shape };
}

/**
 * Grids whose spacings have a simple ratio have many voxels that are half inside. There the original's
 * rounding decides: it sums the eight neighbours' weights one by one in scipy's order, outside and inside
 * apart, and lets the inside overwrite the outside.
 */
function isTieInside(
  { data, shape }: Array3<Uint8Array>,
  taps: readonly [LinearTaps, LinearTaps, LinearTaps],
  [i, j, k]: Shape3,
): boolean {
  let inside = 0;
  let outside = 0;
  for (const [z, weightZ] of neighbours(taps[0], i)) {
    for (const [y, weightY] of neighbours(taps[1], j)) {
      for (const [x, weightX] of neighbours(taps[2], k)) {
        const weight = weightZ * weightY * weightX;
        if (data[(z * shape[1] + y) * shape[2] + x] === 0) outside += weight;
        else inside += weight;
      }
    }
  }
  return inside >= 0.5 || outside < 0.5;
}

function neighbours({ low, high, share }: LinearTaps, index: number): [at: number, weight: number][] {
  const part = share[index] as number;
  return [
    [low[index] as number, 1 - part],
    [high[index] as number, part],
  ];
}
