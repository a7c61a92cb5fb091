import type { Array3, Shape3 } from '../array3.ts';

/** An image on the network's grid, normalized, of which windows are read. */
export interface WindowedImage {
  readonly shape: Shape3;
  /**
   * Fills the window whose first voxel is `corner` of the image; 0 outside the image. `corner` may be
   * negative.
   */
  read(corner: Shape3, window: Array3<Float32Array>): void;
  /** Every `stride`-th voxel along each axis from the first one on, roughly. */
  coarse(stride: number): Array3<Float32Array>;
}

/** Of an image that is in memory as a whole. */
export function wholeImage(image: Array3<Float32Array>): WindowedImage {
  const { shape } = image;
  return {
    shape,
    read: (corner, window) => copyWindow(image, corner, window),
    coarse(stride) {
      const coarse = coarseShape(shape, stride);
      const data = new Float32Array(coarse[0] * coarse[1] * coarse[2]);
      let at = 0;
      for (let i = 0; i < shape[0]; i += stride)
        for (let j = 0; j < shape[1]; j += stride)
          for (let k = 0; k < shape[2]; k += stride)
            data[at++] = image.data[(i * shape[1] + j) * shape[2] + k] as number;
      return { data, shape: coarse };
    },
  };
}

export function coarseShape(shape: Shape3, stride: number): Shape3 {
  const along = (axis: 0 | 1 | 2) => Math.ceil(shape[axis] / stride);
  return [along(0), along(1), along(2)];
}

/** @param corner of the window in the image */
export function copyWindow(
  { data, shape }: Array3<Float32Array>,
  corner: Shape3,
  window: Array3<Float32Array>,
): void {
  const [p0, p1, p2] = window.shape;
  const isInside = (index: number, axis: 0 | 1 | 2) => index >= 0 && index < shape[axis];
  const first = Math.min(p2, Math.max(0, -corner[2]));
  const end = Math.max(first, Math.min(p2, shape[2] - corner[2]));
  let at = 0;
  for (let i = 0; i < p0; i++) {
    const z = corner[0] + i;
    for (let j = 0; j < p1; j++, at += p2) {
      const y = corner[1] + j;
      if (!isInside(z, 0) || !isInside(y, 1)) {
        window.data.fill(0, at, at + p2);
        continue;
      }
      const row = (z * shape[1] + y) * shape[2] + corner[2];
      window.data.fill(0, at, at + first);
      window.data.set(data.subarray(row + first, row + end), at + first);
      window.data.fill(0, at + end, at + p2);
    }
  }
}
