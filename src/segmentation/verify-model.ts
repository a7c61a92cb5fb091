import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { ExecutionProvider } from './inference/execution-provider.ts';
import { openNetwork } from './inference/network.ts';
import type { Model } from './model/model-folder.ts';
import { classesOf } from './model/model-info.ts';
import { compareLogits, type SelfTestComparison, selfTestLogits } from './model/self-test.ts';
import type { InferenceOptions } from './segment.ts';

/** How one fold's network runs on this machine. */
export interface VerifiedNetwork {
  readonly file: string;
  /** The one that ran it. */
  readonly executionProvider: ExecutionProvider;
  readonly secondsToLoad: number;
  /** Of the second window: the first one warms up. */
  readonly secondsPerWindow: number;
  /** Undefined where the model holds no self-test. */
  readonly selfTest: SelfTestComparison | undefined;
}

/**
 * Loads every network of a model, whose hashes `loadModel` has checked, and runs the self-test that was
 * stored when it was imported.
 *
 * @throws {SegmentationError} MODEL_INVALID, INFERENCE_FAILED
 */
export async function* verifyModel(model: Model, options: InferenceOptions): AsyncGenerator<VerifiedNetwork> {
  const { patchSize, selfTest } = model.info;
  const { threads = availableParallelism(), executionProviders = ['cpu'], onWarning } = options;
  for (const file of model.networks) {
    const name = path.basename(file);
    const startedAt = performance.now();
    const network = await openNetwork(file, patchSize, threads, {
      executionProviders,
      classes: classesOf(model.info),
      ...(onWarning && { onWarning }),
    });
    const loadedAt = performance.now();
    try {
      const seed = selfTest?.seed ?? 0;
      const logits = await selfTestLogits(network.predict, patchSize, seed);
      const warmAt = performance.now();
      await selfTestLogits(network.predict, patchSize, seed);
      const expected = selfTest?.logits[name];
      yield {
        file: name,
        executionProvider: network.executionProvider,
        secondsToLoad: (loadedAt - startedAt) / 1000,
        secondsPerWindow: (performance.now() - warmAt) / 1000,
        selfTest: expected && compareLogits(logits, expected),
      };
    } finally {
      await network.release();
    }
  }
}
