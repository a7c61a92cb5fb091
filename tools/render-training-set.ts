/**
 * Renders the abdomens that the demo models are trained on: acquisition-like grids of varying size and
 * position.
 *
 *   node tools/render-training-set.ts OUTPUT_FOLDER FIRST_SEED COUNT [TARGET_SPACING_ZYX, default 4,3,3]
 *
 * For each seed and contrast: SEED-CONTRAST.image.raw (int16), .mask.raw (uint8), .network-share.raw (uint8,
 * 255 for a voxel wholly in the pancreas, on the grid that nnU-Net v1 resamples to at the target spacing),
 * and, last, .json with sizes and geometry.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createAbdomen } from '../src/demo/phantom/abdomen.ts';
import type { Grid } from '../src/demo/phantom/field.ts';
import { Random } from '../src/demo/phantom/random.ts';
import { renderContrast, renderPancreas, renderPancreasShare } from '../src/demo/phantom/render.ts';

const TRAINED = ['CT', 'T1W', 'T2W'] as const;

const [folder = '', first = '0', count = '1', target = '4,3,3'] = process.argv.slice(2);
if (!folder)
  throw new Error('usage: node tools/render-training-set.ts OUTPUT_FOLDER FIRST_SEED COUNT [Z,Y,X]');
const targetXyz = target.split(',').map(Number).toReversed();
mkdirSync(folder, { recursive: true });
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) renderSeed(seed);

function renderSeed(seed: number): void {
  const abdomen = createAbdomen(seed);
  for (const [i, contrast] of TRAINED.entries()) {
    const visit = seed * TRAINED.length + i;
    const grid = acquisitionGrid(contrast === 'CT', new Random(visit));
    const image = renderContrast(abdomen, grid, contrast, visit);
    const mask = renderPancreas(abdomen, grid);
    const share = renderPancreasShare(abdomen, networkGrid(grid));
    const stem = path.join(folder, `${seed}-${contrast}`);
    writeFileSync(`${stem}.image.raw`, image.voxels);
    writeFileSync(`${stem}.mask.raw`, mask.voxels);
    writeFileSync(
      `${stem}.network-share.raw`,
      Uint8Array.from(share.voxels, (v) => Math.round(255 * v)),
    );
    const facts = {
      size: grid.size,
      affine: grid.affine,
      networkSize: share.size,
    };
    writeFileSync(
      `${stem}.json`,
      JSON.stringify({ seed, contrast, ...facts, volumeMl: abdomen.pancreasVolumeMl }),
    );
  }
}

function acquisitionGrid(ct: boolean, random: Random): Grid {
  const inPlane = random.uniform(1.6, 2);
  const slice = ct ? random.uniform(2.5, 4) : random.uniform(4, 5.6);
  // Half-widths of the field of view; MR is scanned with a shorter side more often than not.
  const half = [random.uniform(172, 195), random.uniform(140, 185)];
  const size = [
    Math.round((2 * (half[0] ?? 0)) / inPlane),
    Math.round((2 * (half[1] ?? 0)) / inPlane),
    Math.round(random.uniform(195, 235) / slice),
  ] as const;
  const origin = (i: 0 | 1 | 2, step: number, shift: number) => shift - ((size[i] - 1) / 2) * step;
  const [x, y, z] = [
    origin(0, inPlane, random.around(0, 8)),
    origin(1, inPlane, random.around(5, 8)),
    origin(2, slice, random.around(-4, 12)),
  ];
  return { size, affine: [inPlane, 0, 0, x, 0, inPlane, 0, y, 0, 0, slice, z, 0, 0, 0, 1] };
}

/** The grid that resampling to the target spacing ends on: whole voxels that fill the same extent. */
function networkGrid({ size, affine }: Grid): Grid {
  const shape = size.map((n, i) => Math.round((n * (affine[i * 5] ?? 1)) / (targetXyz[i] ?? 1)));
  const ratio = shape.map((n, i) => (size[i] ?? 0) / n);
  const out = [...affine];
  for (let i = 0; i < 3; i++) {
    const step = affine[i * 5] ?? 1;
    out[i * 5] = step * (ratio[i] ?? 1);
    out[i * 4 + 3] = (affine[i * 4 + 3] ?? 0) + (0.5 * (ratio[i] ?? 1) - 0.5) * step;
  }
  return { size: [shape[0] ?? 0, shape[1] ?? 0, shape[2] ?? 0], affine: out };
}
