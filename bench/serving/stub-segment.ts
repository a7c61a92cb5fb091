import { setTimeout as wait } from 'node:timers/promises';
import type { Volume } from '../../src/dicom/volume.ts';
import type { SegmentOptions } from '../../src/segmentation/segment.ts';
import type { Segmentation } from '../../src/segmentation/segment-volume.ts';

/** As long as a GPU elsewhere would need. */
const SECONDS = Number(process.env['BENCH_STUB_SECONDS'] ?? 0);
const RADIUS = 10;

/** Nothing is loaded. */
export function expectVolume(): void {}

/** Stands for `segment` while coordination is measured: waits, and finds a ball in the middle. */
export async function segment(
  { size }: Volume,
  _model: unknown,
  { signal }: SegmentOptions = {},
): Promise<Segmentation> {
  await wait(1000 * SECONDS, undefined, signal ? { signal } : {});
  const [nx, ny, nz] = size;
  const mask = new Uint8Array(nx * ny * nz);
  let voxels = 0;
  for (const index of mask.keys()) {
    const [x, y, z] = [index % nx, Math.floor(index / nx) % ny, Math.floor(index / (nx * ny))];
    if (Math.hypot(x - nx / 2, y - ny / 2, z - nz / 2) >= RADIUS) continue;
    mask[index] = 1;
    voxels++;
  }
  return {
    mask,
    probability: undefined,
    softMask: mask.map((inside) => 255 * inside),
    voxelRange: { clear: voxels, possible: voxels },
    seconds: { preprocess: 0, network: SECONDS, export: 0 },
  };
}
