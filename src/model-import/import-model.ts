import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { describeNetwork } from '../segmentation/architecture/describe-network.ts';
import type { Shape3 } from '../segmentation/array3.ts';
import { openNetwork } from '../segmentation/inference/network.ts';
import { calibrationFile, fingerprint, loadModel, type Model } from '../segmentation/model/model-folder.ts';
import { type ModelInfo, modelInfoSchema } from '../segmentation/model/model-info.ts';
import { SELF_TEST_SEED, selfTestLogits } from '../segmentation/model/self-test.ts';
import type { NetworkWeights } from '../segmentation/network-weights.ts';
import { writeNetwork } from '../segmentation/onnx/write-network.ts';
import { SegmentationError } from '../segmentation/segmentation-error.ts';
import { importCalibration } from './calibration.ts';
import { buildInPlace } from './model-target.ts';
import { findTrainer, splitFoldFolder, type TrainedFold, type TrainerFolder } from './nnunet/find-trainer.ts';
import { type ModelPlan, readPlans } from './nnunet/plans.ts';
import { readPostprocessing } from './nnunet/postprocessing.ts';
import { readTrainerInfo, type TrainerInfo } from './nnunet/trainer-info.ts';
import { openTrainingFiles, type TrainingFiles } from './nnunet/training-files.ts';
import { MAX_PICKLE_BYTES } from './pickle/unpickle.ts';
import { type ImportedFold, recordSource, sha256Of, versionOf } from './source-record.ts';
import { openCheckpoint } from './torch/open-checkpoint.ts';

type Modality = ModelInfo['modality'];

interface ImportProgress {
  readonly stage: 'read plans' | 'unpack' | 'write network' | 'self-test';
  readonly subject: string;
  readonly done?: number;
  readonly total?: number;
}

export interface ImportRequest {
  /** nnU-Net v1 training output: a folder or a zip file. */
  readonly source: string;
  readonly name: string;
  readonly modality: Modality;
  /** The model's folder, to be made. */
  readonly output: string;
  /** Takes the place of a model that is there. */
  readonly replace?: boolean;
  /** Made of network and modality unless given. */
  readonly title?: string;
  /** Shown wherever the model's results are. */
  readonly notice?: string;
  /** The start of the checkpoint's sha256 unless given: training output carries no version. */
  readonly version?: string;
  /**
   * Patient direction of the axes in training; 'as-stored' unless given: nnU-Net takes them as the file has
   * them.
   */
  readonly orientation?: string;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Called with what the user should know of the source. */
  readonly onNote?: (note: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Small and written by nnU-Net itself. */
const MAX_JSON_BYTES = 2 ** 20;

/**
 * Makes a model folder of what nnU-Net v1 or PanSegNet wrote when it trained: one network per fold, in ONNX,
 * and model.json with the plans' settings. The folder appears only when it is complete. Writing a network
 * takes the memory of a few of its parameters; the self-test takes that of one forward.
 *
 * @throws {SegmentationError} IMPORT_SOURCE, IMPORT_TARGET, PLANS_INVALID, CHECKPOINT_UNREADABLE,
 *   CHECKPOINT_REFUSED, CHECKPOINT_ARCHITECTURE, CHECKPOINT_VALUES; the signal's reason where it was aborted
 */
export async function importModel(request: ImportRequest): Promise<Model> {
  const { output, onNote, signal } = request;
  checkSettings(request);
  const { files, trainer } = await openTrainer(request.source);
  try {
    request.onProgress?.({ stage: 'read plans', subject: trainer.name ?? files.source });
    const settings = await readSettings(files, trainer);
    const notes = [...trainer.notes, ...checkModality(request.modality, settings, trainer)];
    for (const note of notes) onNote?.(note);
    await buildInPlace(output, request.replace ?? false, async (folder) => {
      const { info, folds } = await writeNetworks(folder, files, { ...trainer, notes }, settings, request);
      signal?.throwIfAborted();
      await writeFile(path.join(folder, 'model.json'), `${JSON.stringify(info, undefined, 2)}\n`);
      for (const calibration of trainer.calibrations)
        await takeCalibration(folder, files, calibration, { info, folds, onNote });
    });
    return await loadModel(path.resolve(output));
  } finally {
    await files.close();
  }
}

const givenSchema = modelInfoSchema
  .pick({ name: true, title: true, notice: true, version: true, orientation: true })
  .partial({ title: true, version: true, orientation: true });

/** Finds what is wrong with the request before minutes of work. */
function checkSettings({ name, title, notice, version, orientation }: ImportRequest): void {
  const parsed = givenSchema.safeParse({ name, title, notice, version, orientation });
  if (!parsed.success)
    throw new SegmentationError(
      'IMPORT_TARGET',
      `a model cannot be made with these settings:\n${z.prettifyError(parsed.error)}`,
    );
}

async function openTrainer(
  source: string,
): Promise<{ readonly files: TrainingFiles; readonly trainer: TrainerFolder }> {
  const given = await openTrainingFiles(source);
  const above = splitFoldFolder(given);
  if (above) await given.close();
  const files = above ? await openTrainingFiles(above.source) : given;
  try {
    return { files, trainer: findTrainer(files, above?.fold) };
  } catch (error) {
    await files.close();
    throw error;
  }
}

interface Settings {
  readonly info: TrainerInfo;
  readonly plan: ModelPlan;
  readonly keepLargestComponent: boolean;
}

async function readSettings(files: TrainingFiles, trainer: TrainerFolder): Promise<Settings> {
  const where = (file: string) => path.join(files.source, file);
  const read = async (fold: TrainedFold) => {
    const bytes = await files.readSmall(fold.info, MAX_PICKLE_BYTES);
    const info = readTrainerInfo(bytes, where(fold.info));
    return { info, plan: readPlans(info, where(fold.info)) };
  };
  const [first, ...others] = trainer.folds;
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
  const { postprocessing } = trainer;
  const keepLargestComponent =
    postprocessing !== undefined &&
    readPostprocessing(await files.readSmall(postprocessing, MAX_JSON_BYTES), where(postprocessing))
      .keepLargestComponent;
  return { info, plan, keepLargestComponent };
}

/**
 * Refuses a modality that the normalization can't be meant for.
 * @returns notes on names that hint at another one
 */
function checkModality(modality: Modality, { plan, info }: Settings, trainer: TrainerFolder): string[] {
  const { scheme } = plan.normalization;
  if ((scheme === 'CT') !== (modality === 'CT'))
    throw new SegmentationError(
      'PLANS_INVALID',
      `the plans normalize ${scheme === 'CT' ? 'Hounsfield units of CT' : 'MR (by z-score)'}, ` +
        `for '${plan.modality}'; ` +
        `that does not fit --modality ${modality}`,
    );
  if (modality === 'CT') return [];
  const task = trainer.task ?? info.outputFolder;
  const hint = /T1/i.test(`${task} ${plan.modality}`)
    ? 'T1W'
    : /T2/i.test(`${task} ${plan.modality}`)
      ? 'T2W'
      : undefined;
  return hint && hint !== modality
    ? [
        `the training's name (${trainer.task ?? plan.modality}) hints at ${hint}, ` +
          `the model is made for ${modality}`,
      ]
    : [];
}

async function writeNetworks(
  folder: string,
  files: TrainingFiles,
  trainer: TrainerFolder,
  settings: Settings,
  request: ImportRequest,
): Promise<{ readonly info: ModelInfo; readonly folds: readonly ImportedFold[] }> {
  const { info, plan, keepLargestComponent } = settings;
  const folds: ImportedFold[] = [];
  let architecture: ModelInfo['architecture'] | undefined;
  for (const fold of trainer.folds) {
    const made = await writeFold(folder, files, fold, plan, request);
    if (architecture && architecture !== made.architecture)
      throw new SegmentationError(
        'CHECKPOINT_ARCHITECTURE',
        `${fold.folder} is a ${made.architecture}, others a ${architecture}`,
      );
    architecture = made.architecture;
    folds.push(made.fold);
  }
  const kind = architecture ?? 'Generic_UNet';
  const model = modelInfoSchema.parse({
    format: 1,
    name: request.name,
    title: request.title ?? `${kind === 'PanSegNet' ? 'PanSegNet' : 'nnU-Net'} ${request.modality}`,
    version: request.version ?? versionOf(folds),
    modality: request.modality,
    ...(request.notice === undefined ? {} : { notice: request.notice }),
    source: recordSource(kind, trainer, info, info.stage, folds),
    architecture: kind,
    orientation: request.orientation ?? 'as-stored',
    transposeForward: plan.transposeForward,
    spacing: [...plan.spacing],
    patchSize: [...plan.network.patchSize],
    normalization: plan.normalization,
    // nnU-Net's defaults for prediction.
    inference: { stepSize: 0.5, mirrorAxes: [0, 1, 2] },
    postprocessing: { keepLargestComponent },
    files: Object.fromEntries(folds.map(({ network, networkSha256 }) => [network, networkSha256])),
    selfTest: {
      seed: SELF_TEST_SEED,
      logits: Object.fromEntries(folds.map(({ network, logits }) => [network, logits])),
    },
  } satisfies ModelInfo);
  return { info: model, folds };
}

/** Intervals of a model without calibration are the softmax's range, and say so. */
async function takeCalibration(
  folder: string,
  files: TrainingFiles,
  { mode, file }: TrainerFolder['calibrations'][number],
  {
    info,
    folds,
    onNote,
  }: { info: ModelInfo; folds: readonly ImportedFold[]; onNote: ImportRequest['onNote'] },
): Promise<void> {
  const where = path.join(files.source, file);
  const bytes = await files.readSmall(file, MAX_JSON_BYTES);
  const calibration = importCalibration(bytes, where, folds, fingerprint(info));
  if (calibration === undefined) onNote?.(`${where} was made with other checkpoints, and left out`);
  else await writeFile(path.join(folder, calibrationFile(mode)), calibration);
}

async function writeFold(
  folder: string,
  files: TrainingFiles,
  fold: TrainedFold,
  plan: ModelPlan,
  { onProgress, signal }: ImportRequest,
): Promise<{ readonly architecture: ModelInfo['architecture']; readonly fold: ImportedFold }> {
  const subject = fold.folder;
  const network = `${subject === 'all' ? 'fold_0' : subject}.onnx`;
  const onUnpack = (done: number, total: number) => onProgress?.({ stage: 'unpack', subject, done, total });
  return files.withFile(fold.checkpoint, folder, { onProgress: onUnpack, signal }, async (file) => {
    onProgress?.({ stage: 'write network', subject });
    const checkpointSha256 = await sha256Of(file, signal);
    const weights = await openCheckpoint(file);
    try {
      const architecture = describeNetwork(weights.shapes, plan.network);
      const target = path.join(folder, network);
      await writeNetwork(architecture, watched(weights, subject, onProgress, signal), target);
      const networkSha256 = await sha256Of(target, signal);
      onProgress?.({ stage: 'self-test', subject });
      const logits = await answerToSelfTest(target, plan.network.patchSize);
      return {
        architecture: architecture.kind,
        fold: { fold: subject, network, networkSha256, logits, checkpointSha256, epoch: weights.epoch },
      };
    } finally {
      await weights.close();
    }
  });
}

/** Runs the network once: it is known to load and to run, and `models verify` can compare later. */
async function answerToSelfTest(file: string, patchSize: Shape3): Promise<number[]> {
  const network = await openNetwork(file, patchSize, availableParallelism(), { sparing: true });
  try {
    return await selfTestLogits(network.predict, patchSize, SELF_TEST_SEED);
  } finally {
    await network.release();
  }
}

/** Tells of every parameter that is read, and stops where the work was aborted. */
function watched(
  weights: NetworkWeights,
  subject: string,
  onProgress: ImportRequest['onProgress'],
  signal: AbortSignal | undefined,
): NetworkWeights {
  const seen = new Set<string>();
  return {
    shapes: weights.shapes,
    read: (name) => {
      signal?.throwIfAborted();
      seen.add(name);
      onProgress?.({ stage: 'write network', subject, done: seen.size, total: weights.shapes.size });
      return weights.read(name);
    },
  };
}
