import path from 'node:path';
import { MODES, type Mode } from '../../inference-mode.ts';
import { calibrationFile } from '../../segmentation/model/model-folder.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import type { TrainingFiles } from './training-files.ts';

export interface TrainedFold {
  /** The name of its folder: fold_0 to fold_4, or all. */
  readonly folder: string;
  /** Relative to the source. */
  readonly checkpoint: string;
  /** The checkpoint's pkl file: trainer and plans. */
  readonly info: string;
}

/** One trained model: what nnU-Net calls the trainer's output folder. */
export interface TrainerFolder {
  /** As `trainer__plans`; undefined where the source is an archive of what is in it. */
  readonly name: string | undefined;
  readonly task: string | undefined;
  readonly folds: readonly TrainedFold[];
  /** postprocessing.json at the model's root; anywhere else it doesn't count. */
  readonly postprocessing: string | undefined;
  /** calibration.json at the model's root, and those of other modes. */
  readonly calibrations: readonly { readonly mode: Mode; readonly file: string }[];
  /** What the user should know: folds left out, an unfinished training. */
  readonly notes: readonly string[];
}

const FOLD = /^(fold_\d{1,3}|all)$/;
const FINAL = 'model_final_checkpoint.model';
const BEST = 'model_best.model';
const LATEST = 'model_latest.model';

/**
 * Finds the trained model wherever the source points: at it, at one of its folds, or at a folder above it.
 * `single` limits it to one fold.
 *
 * @throws {SegmentationError} IMPORT_SOURCE: there is none, there are several, or it isn't complete
 */
export function findTrainer(files: TrainingFiles, single?: string): TrainerFolder {
  const folds = files.paths
    .filter((file) => [FINAL, BEST, LATEST].includes(path.posix.basename(file)))
    .map((file) => path.posix.dirname(file))
    .filter((folder) => FOLD.test(path.posix.basename(folder)));
  const roots = [...new Set(folds.map((folder) => path.posix.dirname(folder)))];
  const [root, ...others] = roots;
  if (root === undefined) throw nothingFound(files);
  if (others.length > 0)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${files.source} holds ${roots.length} trained models; give the folder of one of them:\n` +
        roots.map((folder) => `  ${folder}`).join('\n'),
    );
  const inside = [...new Set(folds)].map((folder) => path.posix.basename(folder));
  const numbered = inside.filter((fold) => fold !== 'all').toSorted((a, b) => foldNumber(a) - foldNumber(b));
  // nnU-Net itself takes `all`, another training, only where it is asked for.
  const wanted = single === undefined ? (numbered.length > 0 ? numbered : inside) : [single];
  const has = (file: string) => files.paths.includes(path.posix.join(root, file));
  const complete = (name: string) => wanted.filter((fold) => has(`${fold}/${name}`));
  const kind = complete(FINAL).length > 0 ? FINAL : BEST;
  const taken = complete(kind);
  if (taken.length === 0)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${path.join(files.source, root)}: expected ${FINAL} in ${wanted.join(', ')}; found only ${LATEST}: ` +
        'the training has not ended yet',
    );
  const withoutInfo = taken.find((fold) => !has(`${fold}/${kind}.pkl`));
  if (withoutInfo)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${path.join(files.source, root, withoutInfo, kind)}: expected ${kind}.pkl beside it, which holds ` +
        'the plans',
    );
  const atRoot = (file: string) => (has(file) ? path.posix.join(root, file) : undefined);
  const absolute = path.join(files.source, root);
  return {
    name: path.basename(absolute).includes('__') ? path.basename(absolute) : undefined,
    task: absolute.split(path.sep).findLast((part) => /^Task\d{3}_/.test(part)),
    folds: taken.map((folder) => ({
      folder,
      checkpoint: path.posix.join(root, folder, kind),
      info: path.posix.join(root, folder, `${kind}.pkl`),
    })),
    postprocessing: atRoot('postprocessing.json'),
    calibrations: MODES.flatMap((mode) => {
      const file = atRoot(calibrationFile(mode));
      return file === undefined ? [] : [{ mode, file }];
    }),
    notes: notesOn({ inside, wanted, taken, kind }),
  };
}

function notesOn({
  inside,
  wanted,
  taken,
  kind,
}: {
  inside: readonly string[];
  wanted: readonly string[];
  taken: readonly string[];
  kind: string;
}): string[] {
  const notes: string[] = [];
  const unfinished = wanted.filter((fold) => !taken.includes(fold));
  if (kind === BEST) notes.push(`the training has not ended: ${BEST} was taken, for lack of ${FINAL}`);
  if (unfinished.length > 0) notes.push(`left out, for lack of ${kind}: ${unfinished.join(', ')}`);
  if (wanted.length > 1 && inside.includes('all'))
    notes.push("the folder 'all' was left out, as nnU-Net does it where folds are there");
  return notes;
}

/**
 * Where the source is a fold's own folder: the trainer's folder above it, and the fold's name. A folder that
 * happens to have such a name but holds no checkpoint is none.
 */
export function splitFoldFolder(
  files: TrainingFiles,
): { readonly source: string; readonly fold: string } | undefined {
  const fold = path.basename(files.source);
  const isFold = FOLD.test(fold) && files.paths.some((file) => [FINAL, BEST].includes(file));
  return isFold ? { source: path.dirname(files.source), fold } : undefined;
}

const foldNumber = (fold: string): number => Number(/\d+/.exec(fold)?.[0] ?? 0);

function nothingFound({ source, paths }: TrainingFiles): SegmentationError {
  const output = `nnU-Net v1 training output, with fold_0/${FINAL} (or fold_1 and so on) somewhere in it`;
  const expected = `expected ${output}`;
  const stray = paths.find((file) => file.endsWith('.model'));
  const ofVersion2 = paths.find((file) => file.endsWith('.pth'));
  if (!stray && ofVersion2)
    return new SegmentationError(
      'IMPORT_SOURCE',
      `${source} holds training output of nnU-Net v2 (${ofVersion2}), which is not read: ${expected}`,
    );
  return new SegmentationError(
    'IMPORT_SOURCE',
    stray
      ? `${source}: ${expected}; found ${stray}, whose folder is not named fold_0 to fold_4, or all`
      : `${source}: ${expected}; found none`,
  );
}
