import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { smallCtSeries } from './small-series.ts';
import { SIGN_MODEL, signNetwork, slowNetwork, writeModel } from './tiny-onnx.ts';

const PATCH_SIZE: ModelInfo['patchSize'] = [4, 8, 8];
const EDGE = 16;
const SLICES = 12;

/** Above these values (HU) the models of `writeCandidates` see the pancreas. */
const LIMITS = { inUse: 50, candidate: 70 } as const;

/**
 * Writes a model for CT and candidates beside it: one that takes less for the pancreas, and one that takes
 * minutes for a volume. Gives the section of the configuration, without candidates.
 */
export async function writeCandidates(folder: string): Promise<{ folder: string; CT: string }> {
  const info = { ...SIGN_MODEL, patchSize: PATCH_SIZE };
  const { normalization } = info;
  if (normalization.scheme !== 'CT') throw new Error('the test model is one for CT');
  const stricter = { ...info, normalization: { ...normalization, mean: LIMITS.candidate } };
  const quick = { 'fold_0.onnx': signNetwork(PATCH_SIZE) };
  await writeModel(folder, { ...info, name: 'old' }, quick);
  await writeModel(folder, { ...stricter, name: 'new' }, quick);
  await writeModel(folder, { ...stricter, name: 'slow' }, { 'fold_0.onnx': slowNetwork(PATCH_SIZE) });
  return { folder, CT: 'old' };
}

/** The network of the slow candidate becomes a fast one, as if it had been imported anew. */
export async function quicken(folder: string): Promise<void> {
  const { normalization } = SIGN_MODEL;
  const stricter = { ...normalization, mean: LIMITS.candidate } as ModelInfo['normalization'];
  const info = { ...SIGN_MODEL, patchSize: PATCH_SIZE, normalization: stricter, name: 'slow' };
  await writeModel(folder, info, { 'fold_0.onnx': signNetwork(PATCH_SIZE) });
}

/** HU at so many pixels from the middle: 140 there, and falling. */
const valueAt = (x: number, y: number, fall: number): number =>
  Math.round(140 - fall * ((x - EDGE / 2) ** 2 + (y - EDGE / 2) ** 2));

const pixelsOf = (fall: number): Int16Array =>
  Int16Array.from({ length: EDGE * EDGE }, (_, i) => valueAt(i % EDGE, Math.floor(i / EDGE), fall));

/** A CT in which every slice is the same bright spot; the steeper it falls, the more the models agree. */
export const spotSeries = (study: string, fall: number, attributes: Readonly<Record<string, unknown>> = {}) =>
  smallCtSeries(study, { PixelData: pixelsOf(fall).buffer, ...attributes }, SLICES);

/** What has to come out: volumes in ml, and how far the two agree. */
export function expectedOf(fall: number): { inUseMl: number; candidateMl: number; dice: number } {
  const above = (limit: number) => pixelsOf(fall).filter((value) => value > limit).length * SLICES;
  const [inUse, candidate] = [above(LIMITS.inUse), above(LIMITS.candidate)];
  const voxelMl = (1 * 1 * 2) / 1000;
  return {
    inUseMl: inUse * voxelMl,
    candidateMl: candidate * voxelMl,
    dice: (2 * candidate) / (inUse + candidate),
  };
}
