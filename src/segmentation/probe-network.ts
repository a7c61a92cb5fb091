import path from 'node:path';
import { openNetwork } from './inference/network.ts';
import type { Predict } from './inference/window.ts';
import { classesOf, type ModelInfo } from './model/model-info.ts';
import { compareLogits, SELF_TEST_SEED, selfTestLogits } from './model/self-test.ts';

/**
 * A GPU's driver may run an operator wrongly and say nothing. So a network is asked what the CPU was asked at
 * import; where the model holds no answer, the CPU is asked now.
 *
 * @param predict on the GPU
 * @throws {Error} it answers otherwise; whatever `predict` throws
 */
export async function answersAsOnCpu(
  predict: Predict,
  file: string,
  info: ModelInfo,
  threads: number,
): Promise<void> {
  const { patchSize, selfTest } = info;
  const seed = selfTest?.seed ?? SELF_TEST_SEED;
  const found = await selfTestLogits(predict, patchSize, seed);
  const kept = selfTest?.logits[path.basename(file)];
  const { passed, largestDifference, tolerance } = compareLogits(found, kept ?? (await onCpu()));
  if (passed) return;
  throw new Error(
    `its answers to the self-test are off by ${percent(largestDifference)} of the spread of the CPU's ` +
      `(${percent(tolerance)} allowed)`,
  );

  async function onCpu(): Promise<number[]> {
    const network = await openNetwork(file, patchSize, threads, { classes: classesOf(info) });
    try {
      return await selfTestLogits(network.predict, patchSize, seed);
    } finally {
      await network.release();
    }
  }
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
