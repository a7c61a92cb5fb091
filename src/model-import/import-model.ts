import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { calibrationFile, fingerprint, loadModel, type Model } from '../segmentation/model/model-folder.ts';
import { type ModelInfo, modelFields, modelInfoSchema } from '../segmentation/model/model-info.ts';
import { SELF_TEST_SEED } from '../segmentation/model/self-test.ts';
import { SegmentationError } from '../segmentation/segmentation-error.ts';
import { type Calibrations, calibrationsIn, importCalibration } from './calibration.ts';
import { type Choice, findTrained, splitFoldFolder, type TrainedFolder } from './find-trained.ts';
import { buildInPlace } from './model-target.ts';
import { readTrainedV1 } from './nnunet/trained-v1.ts';
import { readTrainedV2 } from './nnunet2/trained-v2.ts';
import { type ImportedFold, versionOf } from './source-record.ts';
import type { Fact, TrainedModel } from './trained-model.ts';
import { type GivenFile, MAX_JSON_BYTES, openTrainingFiles, type TrainingFiles } from './training-files.ts';
import { type WriteOptions, writeFold } from './write-fold.ts';

type Modality = ModelInfo['modality'];

export interface ImportRequest extends Choice, WriteOptions {
  /** nnU-Net's training output: a folder or a zip file. */
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
  /** Patient direction of the axes in training; as nnU-Net's reader takes them unless given. */
  readonly orientation?: string | undefined;
  /** Which label of a network that finds several structures is the pancreas: its name or its value. */
  readonly label?: string | undefined;
  /** The checkpoints' file name, where it isn't nnU-Net's own. */
  readonly checkpoint?: string | undefined;
  /** A postprocessing.json to use: a file, or a path in the source. */
  readonly postprocessing?: string | undefined;
  /** Called with what the user should know of the source. */
  readonly onNote?: (note: string) => void;
  /** Called with what was understood, once the model is made. */
  readonly onUnderstood?: (facts: readonly Fact[]) => void;
}

/**
 * Makes a model folder of what nnU-Net v1, v2 or PanSegNet wrote when it trained: one network per fold, in
 * ONNX, and model.json with the plans' settings. The folder appears only when it is complete. Writing a
 * network takes the memory of a few of its parameters; the self-test takes that of one forward.
 *
 * @throws {SegmentationError} IMPORT_SOURCE, IMPORT_TARGET, PLANS_INVALID, CHECKPOINT_UNREADABLE,
 *   CHECKPOINT_REFUSED, CHECKPOINT_ARCHITECTURE, CHECKPOINT_VALUES; the signal's reason where it was aborted
 */
export async function importModel(request: ImportRequest): Promise<Model> {
  const { output, onNote, signal } = request;
  checkSettings(request);
  const { files, found } = await openTrained(request);
  try {
    const trained = await readTrained(files, found, request);
    const notes = [...trained.notes, ...checkModality(request.modality, trained)];
    for (const note of notes) onNote?.(note);
    const calibrations = calibrationsIn(files, found.root);
    let facts: readonly Fact[] = [];
    await buildInPlace(output, request.replace ?? false, async (folder) => {
      const { info, folds } = await writeNetworks(folder, files, trained, notes, request);
      signal?.throwIfAborted();
      await writeFile(path.join(folder, 'model.json'), `${JSON.stringify(info, undefined, 2)}\n`);
      await takeCalibrations(folder, files, calibrations, { info, folds, onNote });
      facts = [...trained.facts, ...factsOfNetworks(info, folds)];
    });
    const model = await loadModel(path.resolve(output));
    request.onUnderstood?.(facts);
    return model;
  } finally {
    await files.close();
  }
}

const givenSchema = modelFields
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

async function openTrained({
  source,
  training,
  fold,
}: ImportRequest): Promise<{ readonly files: TrainingFiles; readonly found: TrainedFolder }> {
  const given = await openTrainingFiles(source);
  const above = splitFoldFolder(given);
  if (above) await given.close();
  const files = above ? await openTrainingFiles(above.source) : given;
  try {
    return { files, found: findTrained(files, { training, fold: above?.fold ?? fold }) };
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function readTrained(
  files: TrainingFiles,
  found: TrainedFolder,
  { checkpoint, label, onProgress, postprocessing: wanted, output, signal }: ImportRequest,
): Promise<TrainedModel> {
  const subject = found.root === '.' ? files.source : path.posix.basename(found.root);
  onProgress?.({ stage: 'read plans', subject });
  const postprocessing = wanted === undefined ? undefined : await postprocessingFile(files, wanted);
  if (found.version === 2)
    return readTrainedV2(files, found, { checkpoint, label, postprocessing, besides: output, signal });
  if (label !== undefined && label !== '1' && label !== 'pancreas')
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `there is no label ${label}: the network finds one structure`,
    );
  return readTrainedV1(files, found, { checkpoint, postprocessing });
}

/** A file of its own, or one in the source. */
async function postprocessingFile(files: TrainingFiles, wanted: string): Promise<GivenFile> {
  const info = await stat(wanted).catch(() => undefined);
  if (info?.isFile()) {
    if (info.size <= MAX_JSON_BYTES) return { bytes: await readFile(wanted), where: path.resolve(wanted) };
    throw new SegmentationError('IMPORT_SOURCE', `${wanted} has ${info.size} bytes; expected a few hundred`);
  }
  const inside = files.paths.filter((file) => `/${file}`.endsWith(`/${wanted}`));
  const [only, ...others] = inside;
  if (only !== undefined && others.length === 0) return files.given(only, MAX_JSON_BYTES);
  throw new SegmentationError(
    'IMPORT_SOURCE',
    only === undefined
      ? `there is no file ${wanted}, here or in ${files.source}`
      : `${files.source} holds several files ${wanted}: ${inside.join(', ')}`,
  );
}

/**
 * Refuses a modality that the normalization can't be meant for.
 * @returns notes on names that hint at another one
 */
function checkModality(modality: Modality, { settings, modality: called, hints }: TrainedModel): string[] {
  const { scheme } = settings.normalization;
  if ((scheme === 'CT') !== (modality === 'CT'))
    throw new SegmentationError(
      'PLANS_INVALID',
      `the plans normalize ${scheme === 'CT' ? 'Hounsfield units of CT' : 'MR (by z-score)'}, ` +
        `for '${called}'; that does not fit --modality ${modality}`,
    );
  if (modality === 'CT') return [];
  const hint = /T1/i.test(hints) ? 'T1W' : /T2/i.test(hints) ? 'T2W' : undefined;
  return hint && hint !== modality
    ? [`the training's name (${hints}) hints at ${hint}, the model is made for ${modality}`]
    : [];
}

async function writeNetworks(
  folder: string,
  files: TrainingFiles,
  trained: TrainedModel,
  notes: readonly string[],
  request: ImportRequest,
): Promise<{ readonly info: ModelInfo; readonly folds: readonly ImportedFold[] }> {
  const folds: ImportedFold[] = [];
  let architecture: ModelInfo['architecture'] | undefined;
  for (const fold of trained.folds) {
    const made = await writeFold(folder, files, fold, trained, request);
    if (architecture && architecture !== made.architecture)
      throw new SegmentationError(
        'CHECKPOINT_ARCHITECTURE',
        `${fold.folder} is a ${made.architecture}, others a ${architecture}`,
      );
    architecture = made.architecture;
    folds.push(made.fold);
  }
  const kind = architecture ?? 'Generic_UNet';
  const { orientation, nnunetV2, ...settings } = trained.settings;
  const model = modelInfoSchema.parse({
    format: nnunetV2 ? 2 : 1,
    name: request.name,
    title: request.title ?? `${TITLES[kind] ?? 'nnU-Net'} ${request.modality}`,
    version: request.version ?? versionOf(folds),
    modality: request.modality,
    ...(request.notice === undefined ? {} : { notice: request.notice }),
    source: trained.source(kind, notes, folds),
    architecture: kind,
    orientation: request.orientation ?? orientation,
    ...settings,
    ...(nnunetV2 ? { nnunetV2 } : {}),
    files: Object.fromEntries(folds.map(({ network, networkSha256 }) => [network, networkSha256])),
    selfTest: {
      seed: SELF_TEST_SEED,
      logits: Object.fromEntries(folds.map(({ network, logits }) => [network, logits])),
    },
  } satisfies ModelInfo);
  return { info: model, folds };
}

/** By their networks; all others are nnU-Net's own. */
const TITLES: Partial<Record<ModelInfo['architecture'], string>> = {
  PanSegNet: 'PanSegNet',
  ResidualUNet: 'PanSegNet',
};

const factsOfNetworks = (info: ModelInfo, folds: readonly ImportedFold[]): Fact[] => [
  ['network', info.architecture],
  ['epochs', folds.map(({ epoch }) => epoch ?? 'not said').join(', ')],
  ['checkpoints', folds.map(({ checkpointSha256 }) => `sha256 ${checkpointSha256}`).join(', ')],
];

/** Intervals of a model without calibration are the softmax's range, and say so. */
async function takeCalibrations(
  folder: string,
  files: TrainingFiles,
  calibrations: Calibrations,
  {
    info,
    folds,
    onNote,
  }: { info: ModelInfo; folds: readonly ImportedFold[]; onNote: ImportRequest['onNote'] },
): Promise<void> {
  for (const { mode, file } of calibrations) {
    const { bytes, where } = await files.given(file, MAX_JSON_BYTES);
    const calibration = importCalibration(bytes, where, folds, fingerprint(info));
    if (calibration === undefined) onNote?.(`${where} was made with other checkpoints, and left out`);
    else await writeFile(path.join(folder, calibrationFile(mode)), calibration);
  }
}
