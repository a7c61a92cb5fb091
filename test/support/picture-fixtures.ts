import type { SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import type { Affine, Size } from '../../src/dicom/volume.ts';
import type { PictureInput } from '../../src/pictures/picture-input.ts';
import { context, header } from './result-fixtures.ts';

export const BOX_SIZE: Size = [48, 40, 20];
/**
 * First and last voxel of the organ along x, y and z: neither centred nor as wide as high, so that no mix-up
 * can hide.
 */
const ORGAN = { from: [10, 22, 4], to: [29, 30, 9] } as const;

export function isOrgan(x: number, y: number, z: number): boolean {
  return [x, y, z].every((at, axis) => at >= (ORGAN.from[axis] ?? 0) && at <= (ORGAN.to[axis] ?? 0));
}

export function boxMask([nx, ny, nz]: Size = BOX_SIZE): Uint8Array {
  return Uint8Array.from({ length: nx * ny * nz }, (_, index) =>
    isOrgan(index % nx, Math.floor(index / nx) % ny, Math.floor(index / (nx * ny))) ? 1 : 0,
  );
}

/** An affine from the directions of its columns, their lengths in mm, and where the first voxel lies. */
export function affineOf(
  directions: readonly (readonly number[])[],
  spacing: readonly number[],
  origin: readonly number[] = [-50, 30, -120],
): Affine {
  const rows = [0, 1, 2].map((row) => [
    ...directions.map((direction, axis) => (direction[row] ?? 0) * (spacing[axis] ?? 1)),
    origin[row] ?? 0,
  ]);
  return [...rows.flat(), 0, 0, 0, 1];
}

/** A series with a box organ in it; only its headers are those of an axial CT. */
export function boxSeries(affine: Affine, changes: Readonly<Record<string, unknown>> = {}): SeriesVolume {
  const [nx, ny, nz] = BOX_SIZE;
  return {
    volume: { voxels: new Int16Array(nx * ny * nz).fill(40), size: BOX_SIZE, affine },
    slices: Array.from({ length: nz }, (_, k) => ({
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
      sopInstanceUid: `1.2.840.99999.1.3.${k + 1}`,
      dataset: header(k, changes),
    })),
    lossy: false,
    warnings: [],
  };
}

export const AXIAL = affineOf(
  [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  [1.5, 1.5, 4],
);

export function pictureInput(changes: Partial<PictureInput> = {}): PictureInput {
  return {
    context: context({ series: boxSeries(AXIAL), mask: boxMask() }),
    measurement: {
      volumeMl: 73.456,
      volumeIntervalMl: { low: 70.1, high: 77.2 },
      meanIntensity: 40,
      sdIntensity: 12,
    },
    remarks: [],
    changes: [],
    notes: [],
    earlier: [],
    related: [],
    ...changes,
  };
}
