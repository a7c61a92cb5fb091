import { voxelVolumeMl } from '../dicom/volume.ts';
import type { Mode } from '../inference-mode.ts';
import { dice } from '../segmentation/dice.ts';
import { measure } from '../segmentation/measure.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import { segment } from '../segmentation/segment.ts';
import { drawCase, type ScanForm } from './phantom/hard-scan.ts';
import { type ScannedContrast, variedScan } from './phantom/varied-scan.ts';

interface Range {
  readonly low: number;
  readonly high: number;
}

/** What the node found in one varied scan in one mode, beside what was drawn. */
export interface ScanScore {
  readonly mode: Mode;
  readonly seed: number;
  readonly visit: number;
  readonly sliceMm: number;
  readonly dice: number;
  /** With what the first of the modes found: 1 for itself. */
  readonly diceToFirst: number;
  readonly volumeMl: number;
  /** Known from the shape itself, not from voxels, where the whole gland is shown. */
  readonly trueVolumeMl: number;
  readonly intervalMl: Range & { readonly isWide?: boolean };
  readonly softmaxRangeMl: Range;
  readonly components: number;
  /** Passes through the network. */
  readonly forwards: number;
  readonly seconds: number;
}

interface ScoreOptions {
  readonly modes: readonly Mode[];
  readonly form?: ScanForm | undefined;
  readonly visit?: number;
  readonly pancreasScale?: number;
  readonly threads?: number | undefined;
}

/** Segments a varied scan as the node does, in each mode, and compares with what was drawn. */
export async function scoreScan(
  model: Model,
  contrast: ScannedContrast,
  seed: number,
  { modes, form = 'ordinary', visit = 0, pancreasScale = 1, threads }: ScoreOptions,
): Promise<ScanScore[]> {
  const scan = variedScan(seed, contrast, { visit, pancreasScale });
  const { image: volume, truth, trueVolumeMl } = drawCase(scan, form);
  const voxelMl = voxelVolumeMl(volume.affine);
  const scores: ScanScore[] = [];
  let first: Uint8Array | undefined;
  for (const mode of modes) {
    let forwards = 0;
    const onProgress = (done: number) => {
      forwards = done;
    };
    const { mask, voxelRange, seconds } = await segment(volume, model, { threads, mode, onProgress });
    first ??= mask;
    const calibration = model.calibrations[mode];
    const { volumeMl, volumeIntervalMl, components } = measure(volume, mask, voxelRange, calibration);
    scores.push({
      mode,
      seed,
      visit,
      sliceMm: scan.sliceMm,
      dice: dice(mask, truth.voxels),
      diceToFirst: dice(mask, first),
      volumeMl,
      trueVolumeMl,
      intervalMl: volumeIntervalMl ?? { low: volumeMl, high: volumeMl },
      softmaxRangeMl: { low: voxelRange.clear * voxelMl, high: voxelRange.possible * voxelMl },
      components,
      forwards,
      seconds: seconds.preprocess + seconds.network + seconds.export,
    });
  }
  return scores;
}
