import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Mode } from '../../inference-mode.ts';
import { writeNifti } from '../../nifti/write-nifti.ts';
import { measure } from '../../segmentation/measure.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { type InferenceOptions, segment } from '../../segmentation/segment.ts';
import { EvaluationError } from '../evaluation-error.ts';
import { loadImage } from '../sources/load.ts';
import type { CaseSource } from '../sources/sources.ts';

export const predictionRecord = z.strictObject({
  /** What the node would state as the volume's interval. */
  volumeIntervalMl: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  seconds: z.number(),
});
export type PredictionRecord = z.output<typeof predictionRecord>;

/**
 * Segments the image of a case as the node does, and writes the mask (1 is pancreas) on the image's own grid.
 * @throws {EvaluationError} CASE_INCOMPLETE, CASE_MODEL; NiftiError, DicomError, SegmentationError
 */
export async function predictCase(
  { name, image }: CaseSource,
  model: Model,
  file: string,
  options: InferenceOptions & {
    readonly mode: Mode;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<PredictionRecord> {
  if (!image) throw new EvaluationError('CASE_INCOMPLETE', `${name} has no image`);
  const { volume, grid, hasOrientation } = await loadImage(image);
  if (!hasOrientation && model.info.orientation !== 'as-stored') {
    const problem = `its image does not say how its axes lie; the model ${model.info.name} has to know`;
    throw new EvaluationError('CASE_MODEL', `${name}: ${problem}`);
  }
  const { mask, voxelRange, seconds } = await segment(volume, model, options);
  const { volumeIntervalMl } = measure(volume, mask, voxelRange, model.calibrations[options.mode]);
  await mkdir(path.dirname(file), { recursive: true });
  await writeNifti(file, grid, mask, 'pancreas: 1');
  return {
    volumeIntervalMl: volumeIntervalMl ?? null,
    seconds: seconds.preprocess + seconds.network + seconds.export,
  };
}
