/**
 * Row-major 4x4 matrix: voxel index (x, y, z, 1), counted from voxel centres, to patient coordinates in mm,
 * LPS.
 */
export type Affine = readonly number[];

/** Size in voxels along x (columns), y (rows) and z (slices). */
export type Size = readonly [x: number, y: number, z: number];

export type VoxelArray = Int16Array | Uint16Array | Uint8Array | Float32Array;

/**
 * A grid of voxels in patient space.
 * `voxels` is in z-y-x order, x fastest: index = x + size[0] * (y + size[1] * z).
 */
export interface Volume<T extends VoxelArray = VoxelArray> {
  readonly voxels: T;
  readonly size: Size;
  readonly affine: Affine;
  /**
   * Along x, y and z in mm, where the source states it: the lengths of the affine's columns without their
   * rounding, which nnU-Net's rules for shapes and for anisotropy would feel.
   */
  readonly spacing?: readonly [x: number, y: number, z: number];
}

/** Distances between neighbouring voxel centres along x, y and z, in mm. */
export function spacingOf(affine: Affine): [number, number, number] {
  const column = (c: number) =>
    Math.hypot(affine[c] as number, affine[4 + c] as number, affine[8 + c] as number);
  return [column(0), column(1), column(2)];
}

/**
 * Volume of one voxel in ml: the determinant of the affine's 3x3 part, so that sheared grids count right too.
 */
export function voxelVolumeMl(affine: Affine): number {
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = affine;
  return Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) / 1000;
}

/** Distance of neighbouring planes along their normal, in mm: a voxel's volume over its area in the plane. */
export function spacingBetweenSlices(affine: Affine): number {
  const [ax = 0, bx = 0, , , ay = 0, by = 0, , , az = 0, bz = 0] = affine;
  const area = Math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx);
  return (voxelVolumeMl(affine) * 1000) / area;
}
