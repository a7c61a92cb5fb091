/**
 * Renders the abdomens that the demo models are trained on, brought to the networks' grid as the node does
 * it.
 *
 *   node tools/render-training-set.ts OUTPUT_FOLDER FIRST_SEED COUNT [CONTRASTS, default CT,T1W,T2W]
 *
 * For each seed and contrast: SEED-CONTRAST.image.raw (int16, not normalized), .share.raw (uint8, 255 for a
 * voxel wholly in the pancreas), and, last, .json with the shape (z, y, x). Seeds that are there already are
 * left out, so that it can be broken off and started again. About 2 MB a case; nothing of it needs to be
 * kept.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Abdomen } from '../src/demo/phantom/abdomen.ts';
import type { Grid } from '../src/demo/phantom/field.ts';
import { renderPancreasShare } from '../src/demo/phantom/render.ts';
import { SCANNED, type ScannedContrast, variedScan } from '../src/demo/phantom/varied-scan.ts';
import { voxelVolumeMl } from '../src/dicom/volume.ts';
import type { Array3, Shape3 } from '../src/segmentation/array3.ts';
import { nearestIndices } from '../src/segmentation/resampling/coordinates.ts';
import { resampledShape, resampleImage, separateAxis } from '../src/segmentation/resampling/resample.ts';

/** The networks' spacing, z, y, x in mm, as tools/demo_training_data.py has it. */
const TARGET: Shape3 = [4, 3, 3];

const [folder = '', first = '0', count = '1', contrasts = SCANNED.join(',')] = process.argv.slice(2);
if (!folder)
  throw new Error('usage: node tools/render-training-set.ts OUTPUT_FOLDER FIRST_SEED COUNT [CONTRASTS]');
mkdirSync(folder, { recursive: true });
for (let seed = Number(first); seed < Number(first) + Number(count); seed++)
  for (const contrast of SCANNED) if (contrasts.split(',').includes(contrast)) renderCase(seed, contrast);

function renderCase(seed: number, contrast: ScannedContrast): void {
  const stem = path.join(folder, `${seed}-${contrast}`);
  if (existsSync(`${stem}.json`)) return;
  const { abdomen, grid, sliceMm, image } = variedScan(seed, contrast);
  const { voxels } = image();
  const [nx, ny, nz] = grid.size;
  const oldShape: Shape3 = [nz, ny, nx];
  const spacing = spacingOf(grid);
  const shape = resampledShape(oldShape, spacing, TARGET);
  const separate = separateAxis(spacing, TARGET);
  const resampled = resampleImage({ data: Float32Array.from(voxels), shape: oldShape }, shape, separate);
  writeFileSync(`${stem}.image.raw`, Int16Array.from(resampled.data, Math.round));
  const share = shareOn(abdomen, grid, shape, separate === 0);
  writeFileSync(
    `${stem}.share.raw`,
    Uint8Array.from(share.data, (v) => Math.round(255 * v)),
  );
  const voxelMl = voxelVolumeMl(stretched(grid, shape).affine);
  const slicesApart = separate === 0;
  const facts = { seed, contrast, shape, sliceMm, slicesApart, voxelMl, volumeMl: abdomen.pancreasVolumeMl };
  writeFileSync(`${stem}.partial`, JSON.stringify(facts));
  renameSync(`${stem}.partial`, `${stem}.json`);
}

function spacingOf({ affine }: Grid): Shape3 {
  return [affine[10] ?? 1, affine[5] ?? 1, affine[0] ?? 1];
}

/**
 * The pancreas' share of the network's voxels. With slices apart (thick ones), nnU-Net takes the nearest
 * slice instead of interpolating: the share then has to come from that slice too.
 */
function shareOn(abdomen: Abdomen, grid: Grid, shape: Shape3, slicesApart: boolean): Array3<Float32Array> {
  const own = grid.size[2];
  const drawn = stretched(grid, slicesApart ? [own, shape[1], shape[2]] : shape);
  const { voxels } = renderPancreasShare(abdomen, drawn);
  if (!slicesApart || own === shape[0]) return { data: voxels, shape };
  const slice = shape[1] * shape[2];
  const data = new Float32Array(shape[0] * slice);
  for (const [i, from] of nearestIndices(own, shape[0]).entries())
    data.set(voxels.subarray(from * slice, (from + 1) * slice), i * slice);
  return { data, shape };
}

/** Whole voxels that fill the same extent. */
function stretched({ size, affine }: Grid, [nz, ny, nx]: Shape3): Grid {
  const shape = [nx, ny, nz] as const;
  const out = [...affine];
  for (const axis of [0, 1, 2] as const) {
    const step = affine[axis * 5] ?? 1;
    const ratio = size[axis] / shape[axis];
    out[axis * 5] = step * ratio;
    out[axis * 4 + 3] = (affine[axis * 4 + 3] ?? 0) + (0.5 * ratio - 0.5) * step;
  }
  return { size: shape, affine: out };
}
