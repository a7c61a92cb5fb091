import { availableParallelism } from 'node:os';
import path from 'node:path';
import { openNetwork } from '../segmentation/inference/network.ts';
import type { ModelInfo } from '../segmentation/model/model-info.ts';
import { SELF_TEST_SEED, selfTestLogits } from '../segmentation/model/self-test.ts';
import type { NetworkWeights } from '../segmentation/network-weights.ts';
import { type ImportedFold, sha256Of } from './source-record.ts';
import type { FoundFold, TrainedModel } from './trained-model.ts';
import type { TrainingFiles } from './training-files.ts';

interface ImportProgress {
  readonly stage: 'read plans' | 'unpack' | 'write network' | 'self-test';
  readonly subject: string;
  readonly done?: number;
  readonly total?: number;
}

export interface WriteOptions {
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Writes one fold's network to the model's folder, and runs it once. */
export async function writeFold(
  folder: string,
  files: TrainingFiles,
  fold: FoundFold,
  model: TrainedModel,
  { onProgress, signal }: WriteOptions,
): Promise<{ readonly architecture: ModelInfo['architecture']; readonly fold: ImportedFold }> {
  const subject = fold.folder;
  const network = `${/\d/.test(subject) ? subject : 'fold_0'}.onnx`;
  const onUnpack = (done: number, total: number) => onProgress?.({ stage: 'unpack', subject, done, total });
  return files.withFile(fold.checkpoint, folder, { onProgress: onUnpack, signal }, async (file) => {
    onProgress?.({ stage: 'write network', subject });
    const checkpointSha256 = await sha256Of(file, signal);
    const trained = await model.openNetwork(file, fold);
    try {
      const { architecture, weights, epoch } = trained;
      const target = path.join(folder, network);
      await trained.write(watched(weights, subject, onProgress, signal), target);
      const networkSha256 = await sha256Of(target, signal);
      onProgress?.({ stage: 'self-test', subject });
      const logits = await answerToSelfTest(target, model.settings);
      return {
        architecture,
        fold: { fold: subject, network, networkSha256, logits, checkpointSha256, epoch },
      };
    } finally {
      await trained.close();
    }
  });
}

/** Runs the network once: it is known to load and to run, and `models verify` can compare later. */
async function answerToSelfTest(
  file: string,
  { patchSize, nnunetV2 }: TrainedModel['settings'],
): Promise<number[]> {
  const classes = nnunetV2?.labels.length ?? 2;
  const network = await openNetwork(file, patchSize, availableParallelism(), { sparing: true, classes });
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
  onProgress: WriteOptions['onProgress'],
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
