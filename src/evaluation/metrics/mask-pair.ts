import type { Size } from '../../dicom/volume.ts';

/** Distances of neighbouring voxel centres along x, y and z, in mm. */
export type Spacing = readonly [x: number, y: number, z: number];

/** Two masks on one grid, z-y-x order, x fastest; a voxel is inside where it is not 0. */
export interface MaskPair {
  readonly prediction: Uint8Array;
  readonly label: Uint8Array;
  readonly size: Size;
}

/** What is counted, in voxels. */
export interface Counts {
  readonly prediction: number;
  readonly label: number;
  readonly both: number;
  /** Of the smallest box that holds both masks; 0 where both are empty. */
  readonly box: number;
}

/** Two masks cut to the smallest box that holds both, and what was counted on the way. */
export interface BoxedPair extends MaskPair {
  readonly counts: Counts;
}

/**
 * Cuts to the smallest box that holds both masks. Outside of it nothing is inside, so surfaces, distances and
 * counts are the same as on the whole grid.
 */
export function boxed({ prediction, label, size }: MaskPair): BoxedPair {
  const [nx, ny, nz] = size;
  for (const mask of [prediction, label]) {
    if (mask.length !== nx * ny * nz)
      throw new RangeError(`a mask of ${mask.length} voxels on a grid of ${size.join(' x ')}`);
  }
  const low = [nx, ny, nz] as [number, number, number];
  const high = [-1, -1, -1] as [number, number, number];
  const counts = { prediction: 0, label: 0, both: 0 };
  for (let z = 0, start = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++, start += nx) {
      let first = nx;
      let last = -1;
      for (let x = 0; x < nx; x++) {
        const inPrediction = prediction[start + x] !== 0;
        const inLabel = label[start + x] !== 0;
        if (!inPrediction && !inLabel) continue;
        if (first === nx) first = x;
        last = x;
        if (inPrediction) counts.prediction++;
        if (inLabel) counts.label++;
        if (inPrediction && inLabel) counts.both++;
      }
      if (last < 0) continue;
      low[0] = Math.min(low[0], first);
      high[0] = Math.max(high[0], last);
      low[1] = Math.min(low[1], y);
      high[1] = Math.max(high[1], y);
      low[2] = Math.min(low[2], z);
      high[2] = z;
    }
  }
  const box = [0, 1, 2].map((axis) => Math.max(0, (high[axis] ?? 0) - (low[axis] ?? 0) + 1));
  const [bx = 0, by = 0, bz = 0] = box;
  const cut = (mask: Uint8Array): Uint8Array => {
    const part = new Uint8Array(bx * by * bz);
    for (let z = 0, to = 0; z < bz; z++)
      for (let y = 0; y < by; y++, to += bx) {
        const from = low[0] + nx * (low[1] + y + ny * (low[2] + z));
        for (let x = 0; x < bx; x++) part[to + x] = mask[from + x] === 0 ? 0 : 1;
      }
    return part;
  };
  return {
    prediction: cut(prediction),
    label: cut(label),
    size: [bx, by, bz],
    counts: { ...counts, box: bx * by * bz },
  };
}
