import type { Volume } from '../../dicom/volume.ts';
import type { Mode } from '../../inference-mode.ts';
import { type Measurement, measure } from '../../segmentation/measure.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { type InferenceOptions, segment } from '../../segmentation/segment.ts';
import type { Segmentation } from '../../segmentation/segment-volume.ts';
import type { RunStage } from './stages.ts';

export interface FoundPancreas extends Segmentation {
  readonly measurement: Measurement;
}

/** Segments and measures: the stages that every volume goes through, wherever it comes from. */
export async function findPancreas(
  volume: Volume,
  model: Model,
  options: InferenceOptions & { readonly mode: Mode; readonly saveProbability?: boolean | undefined },
  stage: RunStage,
): Promise<FoundPancreas> {
  const found = await stage('segment', (onProgress, signal) =>
    segment(volume, model, { ...options, onProgress, signal }),
  );
  const measurement = await stage('measure', () =>
    measure(volume, found.mask, found.voxelRange, model.calibrations[options.mode]),
  );
  return { ...found, measurement };
}
