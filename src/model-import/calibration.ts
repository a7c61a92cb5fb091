import path from 'node:path';
import { z } from 'zod';
import { MODES, type Mode } from '../inference-mode.ts';
import { calibrationSchema } from '../segmentation/calibration.ts';
import { calibrationFile } from '../segmentation/model/model-folder.ts';
import { SegmentationError } from '../segmentation/segmentation-error.ts';
import type { ImportedFold } from './source-record.ts';
import type { TrainingFiles } from './training-files.ts';

/** calibration.json at a model's root, and those of other modes; paths in the source. */
export type Calibrations = readonly { readonly mode: Mode; readonly file: string }[];

export const calibrationsIn = ({ paths }: TrainingFiles, root: string): Calibrations =>
  MODES.flatMap((mode) => {
    const file = path.posix.join(root, calibrationFile(mode));
    return paths.includes(file) ? [{ mode, file }] : [];
  });

/** `calibration.json` beside the folds: the model folder's, but for the checkpoints it was made with. */
const trainedCalibration = calibrationSchema.omit({ model: true }).extend({
  /** sha256 of each checkpoint, by its fold. */
  checkpoints: z.record(z.string(), z.string()),
});

/**
 * The model folder's calibration.json, out of the one that lies beside the trained folds.
 * @param where the file, for messages
 * @param model the imported model's sha256
 * @returns undefined where it was made with other checkpoints: how sure those were says nothing of these
 * @throws {SegmentationError} IMPORT_SOURCE: it is not such a file
 */
export function importCalibration(
  bytes: Uint8Array,
  where: string,
  folds: readonly ImportedFold[],
  model: string,
): string | undefined {
  const { checkpoints, ...calibration } = parse(bytes, where);
  const isSame =
    Object.keys(checkpoints).length === folds.length &&
    folds.every(({ fold, checkpointSha256 }) => checkpoints[fold] === checkpointSha256);
  return isSame ? `${JSON.stringify({ ...calibration, model }, undefined, 2)}\n` : undefined;
}

function parse(bytes: Uint8Array, where: string): z.output<typeof trainedCalibration> {
  try {
    return trainedCalibration.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new SegmentationError('IMPORT_SOURCE', `${where} is no calibration:\n${reason}`, { cause });
  }
}
