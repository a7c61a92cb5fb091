import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ModelInfo } from '../segmentation/model/model-info.ts';

const PANSEGNET =
  'Z. Zhang et al., Large-scale multi-center CT and MRI segmentation of pancreas with deep learning, ' +
  'Medical Image Analysis 99 (2025) 103382, doi:10.1016/j.media.2024.103382';
const NNUNET =
  'F. Isensee et al., nnU-Net: a self-configuring method for deep learning-based biomedical image ' +
  'segmentation, Nature Methods 18 (2021) 203-211, doi:10.1038/s41592-020-01008-z';

/** What is to be cited where results of a network are published. */
export const CITATIONS: Readonly<Record<ModelInfo['architecture'], string>> = {
  PanSegNet: PANSEGNET,
  Generic_UNet: NNUNET,
  PlainConvUNet: NNUNET,
  ResidualEncoderUNet: NNUNET,
  ResidualUNet: PANSEGNET,
};

/** What nnU-Net v1 says of a trainer. */
interface FirstTrainer {
  readonly trainer: string;
  readonly stage: number;
  readonly plansFile: string;
  readonly outputFolder: string;
}

interface NamedTraining {
  /** As `trainer__plans`; undefined where the source is an archive of what is in it. */
  readonly name: string | undefined;
  readonly task: string | undefined;
  readonly notes: readonly string[];
}

/** One fold, as it was imported. */
export interface ImportedFold {
  /** Its folder: fold_0 to fold_4, or all. */
  readonly fold: string;
  /** Its file in the model folder. */
  readonly network: string;
  readonly networkSha256: string;
  /** What the network answers to the self-test's input. */
  readonly logits: number[];
  readonly checkpointSha256: string;
  readonly epoch: number | undefined;
}

/**
 * Where a model comes from: facts for people, which change nothing of what it finds. No path of the training
 * is kept.
 */
export function recordSource(
  architecture: ModelInfo['architecture'],
  folder: NamedTraining,
  { trainer, plansFile, outputFolder, stage }: FirstTrainer,
  folds: readonly ImportedFold[],
): ModelInfo['source'] {
  const task = folder.task ?? taskOf(outputFolder) ?? taskOf(plansFile);
  const plans = folder.name?.split('__')[1] ?? plansOf(plansFile);
  return {
    ...(task === undefined ? {} : { task }),
    trainer,
    ...(plans === undefined ? {} : { plans }),
    stage,
    folds: recordFolds(folds),
    ...(folder.notes.length > 0 ? { notes: [...folder.notes] } : {}),
    citation: CITATIONS[architecture],
  };
}

export const recordFolds = (folds: readonly ImportedFold[]) =>
  folds.map(({ fold, network, checkpointSha256, epoch }) => ({
    fold,
    network,
    checkpointSha256,
    ...(epoch === undefined ? {} : { epochs: epoch }),
  }));

/**
 * Training output carries no version. The start of the checkpoint's sha256 (of all of them, where there are
 * several folds) tells two trainings apart, and anybody can compare it.
 */
export function versionOf(folds: readonly ImportedFold[]): string {
  const hashes = folds.map(({ checkpointSha256 }) => checkpointSha256);
  const [only = '', ...others] = hashes;
  const hash = others.length === 0 ? only : createHash('sha256').update(hashes.join('\n')).digest('hex');
  return hash.slice(0, VERSION_DIGITS);
}

const VERSION_DIGITS = 12;

export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash, signal ? { signal } : {});
  return hash.digest('hex');
}

const taskOf = (path: string): string | undefined =>
  path.split(/[/\\]/).findLast((part) => /^Task\d{3}_/.test(part));

/** .../nnUNetPlansv2.1_plans_3D.pkl */
const plansOf = (path: string): string | undefined => /([^/\\]+?)_plans_\dD\.pkl$/.exec(path)?.[1];
