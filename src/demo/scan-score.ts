import { voxelVolumeMl } from '../dicom/volume.ts';
import type { Mode } from '../inference-mode.ts';
import { measure } from '../segmentation/measure.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import { segment } from '../segmentation/segment.ts';
import { dice } from './dice.ts';
import { renderPancreas } from './phantom/render.ts';
import { type ScannedContrast, variedScan } from './phantom/varied-scan.ts';

interface Range {
  readonly low: number;
  readonly high: number;
}

/** What the node found in one varied scan, beside what was drawn. */
export interface ScanScore {
  readonly seed: number;
  readonly visit: number;
  readonly sliceMm: number;
  readonly dice: number;
  readonly volumeMl: number;
  /** Known from the shape itself, not from voxels. */
  readonly trueVolumeMl: number;
  readonly intervalMl: Range & { readonly isWide?: boolean };
  readonly softmaxRangeMl: Range;
  /** Sum of the probabilities, and volumes above PROBABILITIES: what an interval could be founded on. */
  readonly expectedMl: number;
  readonly volumesAboveMl: readonly number[];
  readonly components: number;
  readonly seconds: number;
}

/** Thresholds of `volumesAboveMl`, confined to the organ as the SEG is. */
export const PROBABILITIES = [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9] as const;

const FULL = 255;

/** Segments a varied scan as the node does, and compares with what was drawn. */
export async function scoreScan(
  model: Model,
  contrast: ScannedContrast,
  seed: number,
  {
    visit = 0,
    pancreasScale = 1,
    threads,
    mode = 'exact',
  }: {
    visit?: number;
    pancreasScale?: number;
    threads?: number | undefined;
    mode?: Mode | undefined;
  } = {},
): Promise<ScanScore> {
  const { abdomen, grid, sliceMm, image } = variedScan(seed, contrast, { visit, pancreasScale });
  const volume = image();
  const truth = renderPancreas(abdomen, grid);
  const { mask, softMask, voxelRange, seconds } = await segment(volume, model, { threads, mode });
  const { volumeMl, volumeIntervalMl, components } = measure(
    volume,
    mask,
    voxelRange,
    model.calibrations[mode],
  );
  const voxelMl = voxelVolumeMl(grid.affine);
  const counts = Array.from({ length: FULL + 1 }, () => 0);
  for (const value of softMask) counts[value] = (counts[value] ?? 0) + 1;
  const above = (probability: number) =>
    voxelMl * counts.reduce((sum, count, value) => sum + (value >= probability * FULL ? count : 0), 0);
  return {
    seed,
    visit,
    sliceMm,
    dice: dice(mask, truth.voxels),
    volumeMl,
    trueVolumeMl: abdomen.pancreasVolumeMl,
    intervalMl: volumeIntervalMl ?? { low: volumeMl, high: volumeMl },
    softmaxRangeMl: { low: voxelRange.clear * voxelMl, high: voxelRange.possible * voxelMl },
    expectedMl: (voxelMl * counts.reduce((sum, count, value) => sum + count * value, 0)) / FULL,
    volumesAboveMl: PROBABILITIES.map(above),
    components,
    seconds: seconds.preprocess + seconds.network + seconds.export,
  };
}
