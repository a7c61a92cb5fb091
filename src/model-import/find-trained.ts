import path from 'node:path';
import { SegmentationError } from '../segmentation/segmentation-error.ts';
import type { TrainingFiles } from './training-files.ts';

/** A folder that training wrote: one for each trainer, plans and configuration. */
export interface TrainedFolder {
  /** Of nnU-Net. */
  readonly version: 1 | 2;
  /** Relative to the source, `.` for the source itself. */
  readonly root: string;
  /** Folds' folders with the checkpoints in them: base names. */
  readonly folds: ReadonlyMap<string, readonly string[]>;
  /** Folders of a fold that the source itself points at, or that was asked for; undefined: any. */
  readonly fold: string | undefined;
}

/** What to take, of what there is. */
export interface Choice {
  /** The end of a trained folder's path. */
  readonly training?: string | undefined;
  /** One fold's folder, with or without `fold_`. */
  readonly fold?: string | undefined;
}

const CHECKPOINTS = [
  { version: 1, file: /\.model$/, fold: /^(fold_\d{1,3}|all)$/ },
  { version: 2, file: /\.pth$/, fold: /^fold_(\d{1,3}|all)$/ },
] as const;

const isFold = (name: string): boolean => CHECKPOINTS.some(({ fold }) => fold.test(name));

/**
 * Finds the trained model wherever the source points: at it, or at a folder above it.
 *
 * @throws {SegmentationError} IMPORT_SOURCE: there is none, or there are several
 */
export function findTrained(files: TrainingFiles, { training, fold }: Choice): TrainedFolder {
  const found = trainedFolders(files);
  if (found.length === 0) throw nothingFound(files);
  const ends = training?.replace(/\/+$/, '');
  const fits = ends === undefined ? found : found.filter(({ root }) => `/${root}`.endsWith(`/${ends}`));
  const [only, ...others] = fits.length > 0 ? fits : found;
  if (only && others.length === 0 && fits.length > 0) return { ...only, fold: foldNamed(only, fold, files) };
  const list = (fits.length > 0 ? fits : found).map(({ root }) => `  ${root}`).join('\n');
  throw new SegmentationError(
    'IMPORT_SOURCE',
    fits.length === 0
      ? `${files.source} has no trained model ${ends}; it has:\n${list}`
      : `${files.source} holds ${fits.length} trained models; give the folder of one of them:\n${list}\n` +
          'or its name: --training NAME, or as much of the end of its path as is needed to tell it',
  );
}

function foldNamed({ folds }: TrainedFolder, wanted: string | undefined, files: TrainingFiles) {
  if (wanted === undefined) return undefined;
  const found = [wanted, `fold_${wanted}`].find((name) => folds.has(name));
  if (found !== undefined) return found;
  throw new SegmentationError(
    'IMPORT_SOURCE',
    `${files.source} has no fold ${wanted}; it has ${[...folds.keys()].join(', ')}`,
  );
}

function trainedFolders({ paths }: TrainingFiles): TrainedFolder[] {
  return CHECKPOINTS.flatMap(({ version, file, fold }) => {
    const roots = new Map<string, Map<string, string[]>>();
    for (const checkpoint of paths) {
      const folder = path.posix.dirname(checkpoint);
      const name = path.posix.basename(folder);
      if (!file.test(checkpoint) || !fold.test(name)) continue;
      const root = path.posix.dirname(folder);
      const folds = roots.get(root) ?? new Map<string, string[]>();
      roots.set(root, folds.set(name, [...(folds.get(name) ?? []), path.posix.basename(checkpoint)]));
    }
    return Array.from(roots, ([root, folds]) => ({ version, root, folds, fold: undefined }));
  });
}

/**
 * Where the source is a fold's own folder: the trainer's folder above it, and the fold's name. A folder that
 * happens to have such a name but holds no checkpoint is none.
 */
export function splitFoldFolder(
  files: TrainingFiles,
): { readonly source: string; readonly fold: string } | undefined {
  const fold = path.basename(files.source);
  const holdsCheckpoint = files.paths.some(
    (name) => !name.includes('/') && CHECKPOINTS.some(({ file }) => file.test(name)),
  );
  return isFold(fold) && holdsCheckpoint ? { source: path.dirname(files.source), fold } : undefined;
}

const foldNumber = (fold: string): number => Number(/\d+/.exec(fold)?.[0] ?? 0);

/** The numbered folds, in the order of their numbers. */
export const numberedFolds = (folds: Iterable<string>): string[] =>
  [...folds].filter((fold) => /\d/.test(fold)).toSorted((a, b) => foldNumber(a) - foldNumber(b));

function nothingFound({ source, paths }: TrainingFiles): SegmentationError {
  const expected =
    'expected nnU-Net v1 training output, with fold_0/model_final_checkpoint.model, or that of nnU-Net v2, ' +
    'with fold_0/checkpoint_final.pth (or fold_1 and so on) somewhere in it';
  const stray = paths.find((file) => CHECKPOINTS.some((kind) => kind.file.test(file)));
  const plans = paths.find((file) => /(^|\/)plans\.(json|pkl)$/.test(file));
  const found = stray
    ? `${stray}, whose folder is not named fold_0 to fold_4, or all (v2: fold_all)`
    : plans
      ? `${plans} without any checkpoint`
      : 'none';
  return new SegmentationError('IMPORT_SOURCE', `${source}: ${expected}; found ${found}`);
}
