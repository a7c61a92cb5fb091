import path from 'node:path';
import { openCheckpoint } from '../../src/model-import/torch/open-checkpoint.ts';
import { describeNetwork } from '../../src/segmentation/architecture/describe-network.ts';
import { elements } from '../../src/segmentation/array3.ts';
import { openNetwork } from '../../src/segmentation/inference/network.ts';
import type { NetworkPlan } from '../../src/segmentation/network-weights.ts';
import { writeNetwork } from '../../src/segmentation/onnx/write-network.ts';
import {
  type SyntheticNetwork,
  type SyntheticOptions,
  writeSyntheticTraining,
} from './synthetic-training.ts';

export const planOf = ({ patchSize, pools }: SyntheticNetwork): NetworkPlan => ({
  patchSize,
  poolOpKernelSizes: pools,
  inputChannels: 1,
  classes: 2,
});

/** Writes a checkpoint with random weights, and its network as ONNX. */
export async function writeSyntheticNetwork(
  folder: string,
  network: SyntheticNetwork,
  options: SyntheticOptions = {},
): Promise<{ readonly checkpoint: string; readonly file: string }> {
  const trained = await writeSyntheticTraining(folder, network, options);
  const checkpoint = path.join(trained, 'fold_0', 'model_final_checkpoint.model');
  const file = path.join(folder, 'fold_0.onnx');
  const weights = await openCheckpoint(checkpoint);
  await writeNetwork(describeNetwork(weights.shapes, planOf(network)), weights, file);
  await weights.close();
  return { checkpoint, file };
}

/** Numbers between -2 and 2 without a pattern, always the same. */
export function exampleWindow({ patchSize }: SyntheticNetwork): Float32Array<ArrayBuffer> {
  return new Float32Array(elements(patchSize)).map((_, i) => 2 * Math.sin(i * i * 0.37 + i));
}

export async function predictOnce(
  file: string,
  patchSize: SyntheticNetwork['patchSize'],
  window: Float32Array,
): Promise<Float32Array> {
  const network = await openNetwork(file, patchSize, 2);
  try {
    return await network.predict(window);
  } finally {
    await network.release();
  }
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} values beside ${b.length}`);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0);
}
