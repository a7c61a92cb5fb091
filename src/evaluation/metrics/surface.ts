import type { Size } from '../../dicom/volume.ts';

/**
 * The surface of a mask: its voxels that share a face with a voxel outside, or lie at the border of the grid.
 * This is `mask ^ binary_erosion(mask, generate_binary_structure(3, 1))` of SciPy, which medpy takes.
 * @param mask 0 or 1, z-y-x order, x fastest
 * @returns 1 on the surface, and how many these are
 */
export function surfaceOf(
  mask: Uint8Array,
  [nx, ny, nz]: Size,
): { readonly surface: Uint8Array; readonly count: number } {
  const surface = new Uint8Array(mask.length);
  const slice = nx * ny;
  let count = 0;
  let index = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const isEdge = z === 0 || z === nz - 1 || y === 0 || y === ny - 1;
      for (let x = 0; x < nx; x++, index++) {
        if (mask[index] === 0) continue;
        const isWithin =
          !isEdge &&
          x > 0 &&
          x < nx - 1 &&
          mask[index - 1] !== 0 &&
          mask[index + 1] !== 0 &&
          mask[index - nx] !== 0 &&
          mask[index + nx] !== 0 &&
          mask[index - slice] !== 0 &&
          mask[index + slice] !== 0;
        if (isWithin) continue;
        surface[index] = 1;
        count++;
      }
    }
  }
  return { surface, count };
}
