import { voxelVolumeMl } from '../dicom/volume.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import { segment } from '../segmentation/segment.ts';
import { dice } from './dice.ts';
import { createAbdomen } from './phantom/abdomen.ts';
import { renderContrast, renderPancreas } from './phantom/render.ts';
import { type Stack, stackGrid } from './studies-grid.ts';

export interface PhantomScore {
  readonly dice: number;
  readonly volumeMl: number;
  /** Known from the shape itself, not from voxels. */
  readonly trueVolumeMl: number;
  readonly seconds: number;
}

/** Grids like those of the synthetic studies. */
const STACKS = {
  CT: { columns: 256, rows: 256, slices: 64, pixelSpacing: 1.5, sliceSpacing: 3 },
  T1W: { columns: 240, rows: 192, slices: 47, pixelSpacing: 1.6, sliceSpacing: 4 },
  T2W: { columns: 224, rows: 182, slices: 38, pixelSpacing: 1.7, sliceSpacing: 5 },
} as const;

/** Segments one seed's abdomen and compares with what was drawn. */
export async function scorePhantom(
  model: Model,
  contrast: keyof typeof STACKS,
  seed: number,
): Promise<PhantomScore> {
  const stack: Stack = { orientation: 'axial', centre: [0, 6, -2], ...STACKS[contrast] };
  const grid = stackGrid(stack);
  const abdomen = createAbdomen(seed);
  const image = renderContrast(abdomen, grid, contrast, seed);
  const truth = renderPancreas(abdomen, grid);
  const { mask, seconds } = await segment(image, model);
  const voxels = mask.reduce((sum, v) => sum + v, 0);
  return {
    dice: dice(mask, truth.voxels),
    volumeMl: voxels * voxelVolumeMl(grid.affine),
    trueVolumeMl: abdomen.pancreasVolumeMl,
    seconds: seconds.preprocess + seconds.network + seconds.export,
  };
}
