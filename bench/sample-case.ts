import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Volume } from '../src/dicom/volume.ts';
import type { ModelInfo } from '../src/segmentation/model/model-info.ts';

/** An abdominal CT of 120 slices on its way to the network's grid. Spacings in mm, [z, y, x]. */
export interface SampleCase {
  readonly name: string;
  /** Name of its files. */
  readonly key: string;
  readonly spacing: readonly [number, number, number];
}

/** Anisotropic by a factor of 2.8, and of 3.3: the limit, from which on slices are left alone, is 3. */
export const SAMPLE_CASES: readonly SampleCase[] = [
  { name: '3-D', key: 'cubic', spacing: [2.5, 0.9, 0.9] },
  { name: 'separate z', key: 'separate', spacing: [2.5, 0.75, 0.75] },
];

/** mm, [z, y, x]: the largest usual field of view, 500 mm. */
export const FIELD_SPACING = [1.25, 0.9766, 0.9766] as const;

/** As the planner gives them for abdominal CT. */
export const SAMPLE_MODEL: ModelInfo = {
  format: 1,
  name: 'sample',
  title: 'Sample',
  version: '1.0.0',
  modality: 'CT',
  source: {},
  architecture: 'PanSegNet',
  orientation: 'as-stored',
  transposeForward: [0, 1, 2],
  spacing: [2, 0.8, 0.8],
  patchSize: [40, 224, 224],
  normalization: {
    scheme: 'CT',
    mean: 80,
    sd: 40,
    percentile_00_5: -50,
    percentile_99_5: 200,
    useMaskForNorm: false,
  },
  inference: { stepSize: 0.5, mirrorAxes: [0, 1, 2] },
  postprocessing: { keepLargestComponent: false },
  files: {},
};

export type Size = readonly [x: number, y: number, z: number];
export const sampleSize = (quick: boolean): Size => (quick ? [64, 64, 20] : [512, 512, 120]);

/** A body of soft tissue with texture and noise, in air of -1000 HU. */
export function sampleVolume([nx, ny, nz]: Size, [dz, dy, dx]: SampleCase['spacing']): Volume<Int16Array> {
  const voxels = new Int16Array(nx * ny * nz);
  const waves = Array.from({ length: Math.max(nx, ny, nz) }, (_, i) => Math.sin(i / 13));
  let noise = 1;
  let at = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++) {
        noise = (Math.imul(noise, 1_103_515_245) + 12_345) | 0;
        const isInside = ((x / nx - 0.5) / 0.42) ** 2 + ((y / ny - 0.5) / 0.3) ** 2 < 1;
        const texture = 60 * (waves[x] as number) * (waves[y] as number) * (waves[z] as number);
        voxels[at++] = isInside ? 40 + texture + ((noise >>> 16) % 61) - 30 : -1000 + ((noise >>> 16) % 21);
      }
    }
  }
  return { voxels, size: [nx, ny, nz], affine: [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1] };
}

/** Writes an array's bytes for the peer to read. */
export async function writeRaw(folder: string, name: string, data: Int16Array | Float32Array): Promise<void> {
  await writeFile(path.join(folder, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
