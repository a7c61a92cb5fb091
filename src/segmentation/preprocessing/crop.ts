import { type ArrayView, type Box, indexIn } from '../array-view.ts';
import type { Array3, Shape3 } from '../array3.ts';
import { SegmentationError } from '../segmentation-error.ts';

/**
 * The bounding box of all voxels that aren't zero, as nnU-Net's create_nonzero_mask sees them (NaN counts as
 * nonzero).
 *
 * @throws {SegmentationError} VOLUME_UNUSABLE where all are zero
 */
export function nonzeroBox({ data, shape }: Array3): Box {
  const [n0, n1, n2] = shape;
  const low = [n0, n1, n2];
  const high = [-1, -1, -1];
  const include = (axis: number, index: number) => {
    low[axis] = Math.min(low[axis] as number, index);
    high[axis] = Math.max(high[axis] as number, index);
  };
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      const row = (i * n1 + j) * n2;
      let first = 0;
      while (first < n2 && data[row + first] === 0) first++;
      if (first === n2) continue;
      let last = n2 - 1;
      while (data[row + last] === 0) last--;
      include(0, i);
      include(1, j);
      include(2, first);
      include(2, last);
    }
  }
  if (high[0] === -1) {
    throw new SegmentationError(
      'VOLUME_UNUSABLE',
      `every one of the ${n2}x${n1}x${n0} voxels is 0: nothing to segment`,
    );
  }
  const [l0, l1, l2] = low as [number, number, number];
  const [h0, h1, h2] = high as [number, number, number];
  return { start: [l0, l1, l2], shape: [h0 - l0 + 1, h1 - l1 + 1, h2 - l2 + 1] };
}

/**
 * Sets NaN to 0, in place, as nnU-Net's preprocessing does; infinite values are refused.
 *
 * @param values what `view` shows of a volume of `volumeShape`
 * @throws {SegmentationError} VOLUME_UNUSABLE
 */
export function zeroNaN(values: Float32Array, view: ArrayView, volumeShape: Shape3): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    // 0 for all but NaN and the infinities.
    if (value - value === 0) continue;
    if (!Number.isNaN(value)) {
      const [z, y, x] = placeOf(indexIn(view, placeOf(i, view.shape)), volumeShape);
      throw new SegmentationError(
        'VOLUME_UNUSABLE',
        `the voxel at x ${x}, y ${y}, z ${z} (counted from 0) is ${value}: the image is damaged`,
      );
    }
    values[i] = 0;
  }
}

function placeOf(index: number, [, n1, n2]: Shape3): Shape3 {
  return [Math.floor(index / (n1 * n2)), Math.floor(index / n2) % n1, index % n2];
}
