import { type DicomDataset, numbers } from '../reading/dataset.ts';

export type Vector = readonly [number, number, number];

/** Normal of an image's plane (PS3.3 C.7.6.2.1.1), LPS; undefined where its header doesn't say. */
export function normalOf(attributes: DicomDataset): Vector | undefined {
  const cosines = numbers(attributes, 'ImageOrientationPatient');
  if (cosines.length !== 6) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = cosines;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

/** Where an image stands along a direction, in mm; undefined where its header doesn't say. */
export function heightAlong([nx, ny, nz]: Vector, attributes: DicomDataset): number | undefined {
  const [x, y, z] = numbers(attributes, 'ImagePositionPatient');
  return x === undefined || y === undefined || z === undefined ? undefined : x * nx + y * ny + z * nz;
}
