import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { MODES, type Mode } from '../../inference-mode.ts';
import { type Calibration, calibrate, calibrationSchema } from '../calibration.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { isNotFound, stampOf } from './file-stamp.ts';
import { type ModelInfo, modelInfoSchema } from './model-info.ts';
import { trainingOutputWords } from './training-output.ts';

const MODEL_FILE = 'model.json';
/** Where a model's calibration for a mode is: how exact one is says nothing of another. */
export const calibrationFile = (mode: Mode): string =>
  mode === 'exact' ? 'calibration.json' : `calibration.${mode}.json`;

export interface Model {
  readonly folder: string;
  readonly info: ModelInfo;
  /** sha256 over the weights' hashes and every setting that changes what the model finds. */
  readonly sha256: string;
  /** Absolute paths of the folds' networks, in the order of their numbers. */
  readonly networks: readonly string[];
  /** Of each file, what it was when it was read or its sha256 was checked; see `stampOf`. */
  readonly stamps: ReadonlyMap<string, string>;
  /** What intervals of volumes are founded on, for those modes for which the folder holds it. */
  readonly calibrations: Readonly<Partial<Record<Mode, Calibration>>>;
}

/** Whether the folder still holds the files that the model was loaded from. */
export async function isAsLoaded({ stamps }: Model): Promise<boolean> {
  for (const [file, stamp] of stamps) if ((await stampOf(file)) !== stamp) return false;
  return true;
}

export type ListedModel = { readonly folder: string } & (
  | { readonly model: Model; readonly error?: undefined }
  | { readonly model?: undefined; readonly error: SegmentationError }
);

/**
 * Loads a model by the path of its folder, or by its name in one of the `roots`, and checks the sha256 of
 * every file.
 *
 * @throws {SegmentationError} MODEL_MISSING, MODEL_INVALID, MODEL_CHANGED
 */
export async function loadModel(nameOrFolder: string, roots: readonly string[] = []): Promise<Model> {
  const candidates = [...roots.map((root) => path.resolve(root, nameOrFolder)), path.resolve(nameOrFolder)];
  for (const folder of candidates) {
    const model = await readModel(folder);
    if (!model) continue;
    const stamps = new Map(model.stamps);
    for (const file of model.networks) {
      stamps.set(file, await stampOf(file));
      await checkHash(file, model.info.files[path.basename(file)] ?? '');
    }
    return { ...model, stamps };
  }
  for (const folder of candidates) {
    const words = await trainingOutputWords(folder);
    if (words !== undefined)
      throw new SegmentationError('MODEL_MISSING', `'${nameOrFolder}' is no model but ${words}`);
  }
  throw new SegmentationError(
    'MODEL_MISSING',
    `no model '${nameOrFolder}': no ${MODEL_FILE} in ${[...new Set(candidates)].join(' or ')}`,
  );
}

/**
 * Every folder below `root` with a model in it, or with the reason why it can't be used. Hashes aren't
 * checked.
 */
export async function listModels(root: string): Promise<ListedModel[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  const listed = await Promise.all(folders.map((entry) => listedModel(path.resolve(root, entry.name))));
  return listed.filter((model) => model !== undefined).sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

async function listedModel(folder: string): Promise<ListedModel | undefined> {
  try {
    const model = await readModel(folder);
    return model && { folder, model };
  } catch (error) {
    if (error instanceof SegmentationError) return { folder, error };
    throw error;
  }
}

/** Undefined where the folder has no model.json. */
async function readModel(folder: string): Promise<Model | undefined> {
  const file = path.join(folder, MODEL_FILE);
  const described = [file, ...MODES.map((mode) => path.join(folder, calibrationFile(mode)))];
  const stamps = new Map<string, string>();
  for (const one of described) stamps.set(one, await stampOf(one));
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const info = parseFile(modelInfoSchema, text, file);
  const networks = Object.keys(info.files)
    .sort((a, b) => foldNumber(a) - foldNumber(b))
    .map((name) => path.join(folder, name));
  const sha256 = fingerprint(info);
  const calibrations = await readCalibrations(folder, sha256);
  return { folder, info, sha256, networks, stamps, calibrations };
}

async function readCalibrations(folder: string, model: string): Promise<Model['calibrations']> {
  const calibrations: Partial<Record<Mode, Calibration>> = {};
  for (const mode of MODES) {
    const calibration = await readCalibration(folder, model, mode);
    if (calibration) calibrations[mode] = calibration;
  }
  return calibrations;
}

/** Undefined where the folder has none. */
async function readCalibration(folder: string, model: string, mode: Mode): Promise<Calibration | undefined> {
  const file = path.join(folder, calibrationFile(mode));
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const kept = parseFile(calibrationSchema, text, file);
  if (kept.mode !== mode)
    throw new SegmentationError(
      'MODEL_INVALID',
      `${file} was made in mode ${kept.mode}, its name says ${mode}`,
    );
  if (kept.model === model) return calibrate(kept);
  throw new SegmentationError(
    'MODEL_INVALID',
    `${file} was made with another model (${kept.model}, this is ${model}): calibrate again, or take it away`,
  );
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
}

function parseFile<Schema extends z.ZodType>(schema: Schema, text: string, file: string): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SegmentationError('MODEL_INVALID', `${file} is not JSON: ${String(error)}`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new SegmentationError('MODEL_INVALID', `${file}:\n${z.prettifyError(parsed.error)}`);
}

const foldNumber = (name: string): number => Number(/\d+/.exec(name)?.[0]);

/**
 * The model's sha256. Names, titles and notices may change without changing what is found; all else may not.
 */
export function fingerprint(info: ModelInfo): string {
  const {
    files,
    orientation,
    transposeForward,
    spacing,
    patchSize,
    normalization,
    inference,
    postprocessing,
    nnunetV2,
  } = info;
  const weights = Object.entries(files).sort(([a], [b]) => foldNumber(a) - foldNumber(b));
  const normalizing = Object.entries(normalization).sort(([a], [b]) => (a < b ? -1 : 1));
  const settings = [
    weights,
    orientation,
    transposeForward,
    spacing,
    patchSize,
    normalizing,
    inference.stepSize,
    inference.mirrorAxes.toSorted((a, b) => a - b),
    postprocessing.keepLargestComponent,
    // What it says of labels' names may change without changing what is found.
    ...(nnunetV2 ? [nnunetV2.labels.length, nnunetV2.pancreas, ...resamplingSettings(nnunetV2)] : []),
  ];
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

const resamplingSettings = ({ resampling: { data, logits } }: NonNullable<ModelInfo['nnunetV2']>) =>
  [data, logits].map(({ order, orderZ, forceSeparateZ, anisotropy }) => [
    order,
    orderZ,
    forceSeparateZ,
    anisotropy ?? null,
  ]);

async function checkHash(file: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SegmentationError('MODEL_MISSING', `${file} is missing although ${MODEL_FILE} names it`, {
      cause: error,
    });
  }
  const found = hash.digest('hex');
  if (found === expected) return;
  throw new SegmentationError(
    'MODEL_CHANGED',
    `${file} has sha256 ${found}, ${MODEL_FILE} says ${expected}: ` +
      'the file was changed or damaged; import the model again',
  );
}
