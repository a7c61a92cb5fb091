import path from 'node:path';
import { type NiftiImage, readNifti } from '../nifti/read-nifti.ts';
import { findPancreas } from '../pipeline/run/find-pancreas.ts';
import { StageClock } from '../pipeline/run/stages.ts';
import { qualityFlags } from '../results/quality-flags.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import { InputError } from './input-error.ts';
import { type Output, writeOutputs, writeResult } from './output-folder.ts';
import type { SegmentRequest } from './request.ts';
import { type SegmentSummary, summarize } from './summary.ts';

/** Whether a path is taken for a NIfTI file: by its name. */
export function isNiftiName(input: string): boolean {
  return /\.nii(\.gz)?$/i.test(input);
}

/**
 * Segments a NIfTI file and writes `seg.nii.gz` (also where nothing was found) and `result.json`, and
 * `probabilities.nii.gz` where it was asked for, on the input's own grid.
 * @throws {NiftiError} for a file that cannot be used; {InputError} INPUT_ORIENTATION
 */
export async function segmentNifti(request: SegmentRequest): Promise<SegmentSummary> {
  const { input, output, model } = request;
  const clock = new StageClock({ onProgress: request.onProgress });
  const stage = clock.about(path.basename(input));

  const image = await stage('volume', () => readNifti(input));
  checkOrientation(image, model, input);
  const found = await findPancreas(image.volume, model, request.inference, stage);
  const { mask, probability, measurement } = found;

  const { grid, warnings } = image;
  const outputs: Output[] = [{ name: 'seg.nii.gz', grid, voxels: mask }];
  if (probability) outputs.push({ name: 'probabilities.nii.gz', grid, voxels: probability });
  await stage('store', () => writeOutputs(output, outputs));
  const flags = qualityFlags(measurement, { volume: image.volume, lossy: false });
  const { seconds } = clock;
  const summary = summarize(
    { image: path.basename(input) },
    { found, model, mode: request.inference.mode, flags, warnings, outputs, seconds },
  );
  await writeResult(output, summary);
  return summary;
}

/**
 * A model that takes the axes as stored, as nnU-Net v1 does, needs no orientation; to any other it is
 * everything.
 */
function checkOrientation(image: NiftiImage, { info }: Model, input: string): void {
  if (image.hasOrientation || info.orientation === 'as-stored') return;
  const problem = 'does not say how its axes lie in the patient (qform_code and sform_code are 0)';
  throw new InputError('INPUT_ORIENTATION', `${input} ${problem}; the model ${info.name} has to know`);
}
