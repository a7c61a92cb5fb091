import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Affine, Size } from '../../src/dicom/volume.ts';
import type { EvaluationRequest } from '../../src/evaluation/evaluate.ts';
import { gridOfVolume } from '../../src/nifti/grid.ts';
import { writeNifti } from '../../src/nifti/write-nifti.ts';

export const SIZE: Size = [24, 20, 12];
/** Turned by a quarter and anisotropic: 1.5 x 1 x 3 mm. */
export const AFFINE: Affine = [0, -1, 0, 40, 1.5, 0, 0, -30, 0, 0, 3, 10, 0, 0, 0, 1];

/** A folder with `images`, `labels`, `predictions` and what else is asked for. */
export function evaluationFolder(...more: readonly string[]): (name: string) => string {
  const root = mkdtempSync(path.join(tmpdir(), 'evaluation-'));
  for (const name of ['images', 'labels', 'predictions', ...more]) mkdirSync(path.join(root, name));
  return (name) => path.join(root, name);
}

/** A block of voxels of one value. */
export function block(
  from: readonly [number, number, number],
  to: readonly [number, number, number],
  value = 1,
  size: Size = SIZE,
): Uint8Array {
  const [nx, ny, nz] = size;
  return Uint8Array.from({ length: nx * ny * nz }, (_, i) => {
    const place = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))];
    return place.every((at, axis) => at >= (from[axis] ?? 0) && at < (to[axis] ?? 0)) ? value : 0;
  });
}

export async function writeVoxels(
  file: string,
  voxels: Uint8Array | Float32Array,
  { size = SIZE, affine = AFFINE }: { size?: Size; affine?: Affine } = {},
): Promise<void> {
  await writeNifti(file, gridOfVolume({ voxels, size, affine }), voxels, 'a test');
}

/** An evaluation of such a folder, with predictions that are given. */
export function evaluationRequest(
  at: (name: string) => string,
  onLine: (line: string) => void = () => {},
): EvaluationRequest {
  return {
    folders: {
      images: undefined,
      labels: at('labels'),
      predictions: at('predictions'),
      against: undefined,
      raters: [],
    },
    models: [],
    reading: { labelValues: undefined, predictionValues: undefined, resample: false },
    groups: undefined,
    repeats: undefined,
    output: at('output'),
    showNames: false,
    labelsFromArchive: false,
    inference: {},
    mode: 'exact',
    parallel: 2,
    memoryBytes: 1e9,
    softwareVersion: '1.2.3',
    now: () => new Date('2026-01-02T03:04:05Z'),
    onProgress: () => {},
    onLine,
  };
}
