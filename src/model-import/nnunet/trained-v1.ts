import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describeNetwork } from '../../segmentation/architecture/describe-network.ts';
import { writeNetwork } from '../../segmentation/onnx/write-network.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { factsOf } from '../facts.ts';
import type { TrainedFolder } from '../find-trained.ts';
import { MAX_PICKLE_BYTES } from '../pickle/unpickle.ts';
import { recordSource } from '../source-record.ts';
import { openCheckpoint } from '../torch/open-checkpoint.ts';
import type { TrainedModel } from '../trained-model.ts';
import { type GivenFile, MAX_JSON_BYTES, type TrainingFiles } from '../training-files.ts';
import { findTrainer, type TrainedFold } from './find-trainer.ts';
import { type ModelPlan, readPlans } from './plans.ts';
import { readPostprocessing } from './postprocessing.ts';
import { readTrainerInfo, type TrainerInfo } from './trainer-info.ts';

/** What is taken in place of what lies in the training's folder. */
export interface Replacements {
  /** The checkpoints' name. */
  readonly checkpoint?: string | undefined;
  readonly postprocessing?: GivenFile | undefined;
}

/**
 * What nnU-Net v1 or PanSegNet trained.
 *
 * @throws {SegmentationError} IMPORT_SOURCE, PLANS_INVALID, CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED
 */
export async function readTrainedV1(
  files: TrainingFiles,
  found: TrainedFolder,
  { checkpoint, postprocessing: given }: Replacements,
): Promise<TrainedModel> {
  const trainer = findTrainer(files, found, checkpoint);
  const { info, plan } = await readSettings(files, trainer.folds);
  const postprocessing =
    given ?? (trainer.postprocessing ? await files.given(trainer.postprocessing, MAX_JSON_BYTES) : undefined);
  const { keepLargestComponent } = postprocessing
    ? readPostprocessing(postprocessing.bytes, postprocessing.where)
    : { keepLargestComponent: false };
  const absolute = path.join(files.source, found.root);
  const name = path.basename(absolute).includes('__') ? path.basename(absolute) : undefined;
  const task = absolute.split(path.sep).findLast((part) => /^Task\d{3}_/.test(part));
  const settings: TrainedModel['settings'] = {
    orientation: 'as-stored',
    transposeForward: plan.transposeForward,
    spacing: [...plan.spacing],
    patchSize: [...plan.network.patchSize],
    normalization: plan.normalization,
    // nnU-Net's defaults for prediction.
    inference: { stepSize: 0.5, mirrorAxes: [0, 1, 2] },
    postprocessing: { keepLargestComponent },
  };
  return {
    name: name ?? files.source,
    folds: trainer.folds,
    settings,
    modality: plan.modality,
    hints: `${task ?? info.outputFolder} ${plan.modality}`,
    notes: trainer.notes,
    facts: factsOf({
      training: task,
      version: 1,
      trainer: info.trainer,
      plans: name?.split('__')[1],
      configuration: `stage ${info.stage}`,
      checkpoint: trainer.checkpoint,
      folds: trainer.folds,
      modality: plan.modality,
      postprocessing: postprocessing?.where,
      settings,
    }),
    openNetwork: async (file) => {
      const weights = await openCheckpoint(file);
      try {
        const architecture = describeNetwork(weights.shapes, plan.network);
        return {
          architecture: architecture.kind,
          epoch: weights.epoch,
          weights,
          write: (watched, target) => writeNetwork(architecture, watched, target),
          close: () => weights.close(),
        };
      } catch (error) {
        await weights.close();
        throw error;
      }
    },
    source: (architecture, notes, folds) => recordSource(architecture, { name, task, notes }, info, folds),
  };
}

async function readSettings(
  files: TrainingFiles,
  folds: readonly TrainedFold[],
): Promise<{ readonly info: TrainerInfo; readonly plan: ModelPlan }> {
  const where = (file: string) => path.join(files.source, file);
  const read = async (fold: TrainedFold) => {
    const bytes = await files.readSmall(fold.info, MAX_PICKLE_BYTES);
    const info = readTrainerInfo(bytes, where(fold.info));
    return { info, plan: readPlans(info, where(fold.info)) };
  };
  const [first, ...others] = folds;
  if (!first) throw new SegmentationError('IMPORT_SOURCE', `${files.source} holds no trained fold`);
  const { info, plan } = await read(first);
  for (const fold of others) {
    const { plan: other, info: otherInfo } = await read(fold);
    if (!isDeepStrictEqual(plan, other) || info.trainer !== otherInfo.trainer)
      throw new SegmentationError(
        'PLANS_INVALID',
        `${where(fold.info)}: trainer or plans differ from those of ${first.folder}; folds can only be ` +
          'averaged where they were trained alike',
      );
  }
  return { info, plan };
}
