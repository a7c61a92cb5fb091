import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { buildVolume, type SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { shared } from './requires.ts';

/** The series in a folder of the shared data. */
export async function sharedSeries(...parts: string[]): Promise<SeriesVolume> {
  const folder = shared('data', ...parts);
  const names = (await readdir(folder)).sort();
  const instances = await Promise.all(
    names.map(async (name) => readInstance(await readFile(path.join(folder, name)), name)),
  );
  return buildVolume(instances);
}

/**
 * An ellipsoid in the middle of the grid, with one empty plane through it: something that is neither full nor
 * even.
 */
export function ellipsoid({ volume: { size } }: SeriesVolume): Uint8Array {
  const [nx, ny, nz] = size;
  const mask = new Uint8Array(nx * ny * nz);
  const gap = nz > 8 ? Math.floor(nz / 2) : -1;
  for (let i = 0; i < mask.length; i++) {
    const plane = Math.floor(i / (nx * ny));
    const across = (2.2 * (i % nx)) / nx - 1;
    const down = (3.1 * (Math.floor(i / nx) % ny)) / ny - 1.4;
    const along = (2.5 * plane) / nz - 1.2;
    if (plane !== gap && Math.hypot(across, down, along) < 0.5) mask[i] = 1;
  }
  return mask;
}

/** The mask, and a probability that is above one half inside of it and fades around it. */
export function ellipsoids(series: SeriesVolume): { mask: Uint8Array; softMask: Uint8Array } {
  const mask = ellipsoid(series);
  const softMask = mask.map((inside, i) => (inside ? 128 + (i % 128) : mask[i - 1] || mask[i + 1] ? 60 : 0));
  return { mask, softMask };
}
