import { createHash } from 'node:crypto';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';

/** Hashed at a time: takes some milliseconds. */
const HASHED_BYTES = 4 * 2 ** 20;

/**
 * Stands for the very images that a model is given: which instances and frames, where they lie, and each of
 * their values. Instances that were replaced under their UIDs have another.
 */
export async function imagesDigest({
  volume,
  slices,
}: Pick<SeriesVolume, 'volume' | 'slices'>): Promise<string> {
  const { voxels, size, affine } = volume;
  const hash = createHash('sha256');
  const images = slices.map(({ sopInstanceUid, frameNumber = 0 }) => [sopInstanceUid, frameNumber]);
  hash.update(JSON.stringify([images, size, affine, voxels.BYTES_PER_ELEMENT]));
  const bytes = new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  for (let at = 0; at < bytes.length; at += HASHED_BYTES) {
    hash.update(bytes.subarray(at, at + HASHED_BYTES));
    await turnOfTheLoop();
  }
  return hash.digest('base64');
}
