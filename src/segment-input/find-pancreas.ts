import type { Volume } from '../dicom/volume.ts';
import type { RunStage } from '../pipeline/run/stages.ts';
import { type Measurement, measure } from '../segmentation/measure.ts';
import { segment } from '../segmentation/segment.ts';
import type { Segmentation } from '../segmentation/segment-volume.ts';
import type { SegmentRequest } from './request.ts';

export interface FoundPancreas extends Segmentation {
  readonly measurement: Measurement;
}

/** The stages that are the same for every kind of input. */
export async function findPancreas(
  volume: Volume,
  { model, inference, saveProbabilities }: SegmentRequest,
  stage: RunStage,
): Promise<FoundPancreas> {
  const segmentation = await stage('segment', (onProgress) =>
    segment(volume, model, { ...inference, onProgress, saveProbability: saveProbabilities }),
  );
  const measurement = await stage('measure', () =>
    measure(volume, segmentation.mask, segmentation.voxelRange),
  );
  return { ...segmentation, measurement };
}
