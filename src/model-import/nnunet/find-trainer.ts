import path from 'node:path';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { numberedFolds, type TrainedFolder } from '../find-trained.ts';
import type { FoundFold } from '../trained-model.ts';
import type { TrainingFiles } from '../training-files.ts';

export interface TrainedFold extends FoundFold {
  /** The checkpoint's pkl file: trainer and plans. */
  readonly info: string;
}

/** One trained model: what nnU-Net calls the trainer's output folder. */
export interface TrainerFolder {
  readonly folds: readonly TrainedFold[];
  /** The checkpoints' name. */
  readonly checkpoint: string;
  /** postprocessing.json at the model's root; anywhere else it doesn't count. */
  readonly postprocessing: string | undefined;
  /** What the user should know: folds left out, an unfinished training. */
  readonly notes: readonly string[];
}

const FINAL = 'model_final_checkpoint.model';
const BEST = 'model_best.model';
const LATEST = 'model_latest.model';

/**
 * The folds of a folder that nnU-Net v1 wrote, and which of their checkpoints count.
 *
 * @param wanted the checkpoints' name, where it isn't nnU-Net's own
 * @throws {SegmentationError} IMPORT_SOURCE: it isn't complete
 */
export function findTrainer(
  files: TrainingFiles,
  { root, folds: found, fold: single }: TrainedFolder,
  wanted?: string,
): TrainerFolder {
  const inside = [...found.keys()];
  const numbered = numberedFolds(inside);
  // nnU-Net itself takes `all`, another training, only where it is asked for.
  const folds = single === undefined ? (numbered.length > 0 ? numbered : inside) : [single];
  const has = (file: string) => files.paths.includes(path.posix.join(root, file));
  const complete = (name: string) => folds.filter((fold) => has(`${fold}/${name}`));
  const kind = wanted ?? (complete(FINAL).length > 0 ? FINAL : BEST);
  const taken = complete(kind);
  const names = [...new Set(folds.flatMap((fold) => found.get(fold) ?? []))];
  if (taken.length === 0)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${path.join(files.source, root)}: expected ${wanted ?? FINAL} in ${folds.join(', ')}; found only ` +
        names.join(', ') +
        (wanted === undefined && names.every((name) => name === LATEST)
          ? ': the training has not ended yet'
          : '. To take another: --checkpoint FILE'),
    );
  const notes: string[] = [];
  const fallback = (fold: string) => {
    if (has(`${fold}/${kind}.pkl`)) return `${kind}.pkl`;
    // Weights that were chosen out of a training have the plans of its other checkpoints.
    const [other, ...more] = files.paths
      .filter(
        (file) => path.posix.dirname(file) === path.posix.join(root, fold) && file.endsWith('.model.pkl'),
      )
      .map((file) => path.posix.basename(file));
    if (other === undefined || more.length > 0 || wanted === undefined)
      throw new SegmentationError(
        'IMPORT_SOURCE',
        `${path.join(files.source, root, fold, kind)}: expected ${kind}.pkl beside it, which holds the plans`,
      );
    notes.push(`${fold}: ${kind}.pkl is not there; the plans are those of ${other}`);
    return other;
  };
  const trained = taken.map((folder) => ({
    folder,
    checkpoint: path.posix.join(root, folder, kind),
    info: path.posix.join(root, folder, fallback(folder)),
  }));
  const postprocessing = has('postprocessing.json')
    ? path.posix.join(root, 'postprocessing.json')
    : undefined;
  const inFolds = folds.filter((fold) => has(`${fold}/postprocessing.json`));
  if (!postprocessing && inFolds.length > 0)
    notes.push(
      `${inFolds[0]}/postprocessing.json does not count, as nnU-Net looks for it beside the folds only; ` +
        'to use it: --postprocessing FILE',
    );
  notes.unshift(...notesOn({ inside, folds, taken, kind, names, isWanted: wanted !== undefined }));
  return { folds: trained, checkpoint: kind, postprocessing, notes };
}

function notesOn({
  inside,
  folds,
  taken,
  kind,
  names,
  isWanted,
}: {
  inside: readonly string[];
  folds: readonly string[];
  taken: readonly string[];
  kind: string;
  names: readonly string[];
  isWanted: boolean;
}): string[] {
  const notes: string[] = [];
  const unfinished = folds.filter((fold) => !taken.includes(fold));
  if (kind === BEST && !isWanted)
    notes.push(`the training has not ended: ${BEST} was taken, for lack of ${FINAL}`);
  if (unfinished.length > 0) notes.push(`left out, for lack of ${kind}: ${unfinished.join(', ')}`);
  if (folds.length > 1 && inside.includes('all'))
    notes.push("the folder 'all' was left out, as nnU-Net does it where folds are there");
  const others = names.filter((name) => ![kind, FINAL, BEST, LATEST].includes(name));
  if (others.length > 0 && !isWanted)
    notes.push(`there are other checkpoints: ${others.join(', ')}. To take one: --checkpoint FILE`);
  return notes;
}
