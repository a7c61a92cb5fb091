/** Planes of a mask (one byte per voxel, plane after plane) that hold anything, in ascending order. */
export function nonEmptyPlanes(mask: Uint8Array, planeLength: number): number[] {
  const planes: number[] = [];
  for (let plane = 0; plane * planeLength < mask.length; plane++) {
    const end = (plane + 1) * planeLength;
    for (let i = plane * planeLength; i < end; i++) {
      if (mask[i] !== 0) {
        planes.push(plane);
        break;
      }
    }
  }
  return planes;
}

/**
 * The given planes of a mask as Pixel Data of one bit per voxel (PS3.5 8.1.1 and annex D): the first voxel in
 * the lowest bit, frames following each other without a gap, padded to an even number of bytes.
 */
export function packBits(
  mask: Uint8Array,
  planeLength: number,
  planes: readonly number[],
): Uint8Array<ArrayBuffer> {
  const bytes = Math.ceil((planes.length * planeLength) / 8);
  const packed = new Uint8Array(bytes + (bytes % 2));
  let bit = 0;
  for (const plane of planes) {
    const end = (plane + 1) * planeLength;
    for (let i = plane * planeLength; i < end; i++, bit++) {
      if (mask[i] !== 0) packed[bit >> 3] = (packed[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return packed;
}

/** The inverse of `packBits`: one byte per voxel, 0 or 1, for `count` voxels from voxel `first` on. */
export function unpackBits(packed: Uint8Array, first: number, count: number): Uint8Array {
  const voxels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const bit = first + i;
    voxels[i] = ((packed[bit >> 3] ?? 0) >> (bit & 7)) & 1;
  }
  return voxels;
}
