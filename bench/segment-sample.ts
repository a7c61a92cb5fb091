/**
 * Segments a sample volume as the node does, in a process of its own; stops after some forward passes.
 *
 *   node bench/segment-sample.ts MODEL_FOLDER FORWARDS X Y Z [EXECUTION_PROVIDER]
 */
import { EXECUTION_PROVIDERS } from '../src/segmentation/inference/execution-provider.ts';
import { loadModel } from '../src/segmentation/model/model-folder.ts';
import { segment } from '../src/segmentation/segment.ts';
import { lookAtChildren } from './peak-memory.ts';
import { FIELD_SPACING, sampleVolume } from './sample-case.ts';

const [folder = '', forwards, x, y, z, provider = 'cpu'] = process.argv.slice(2);
const executionProviders = EXECUTION_PROVIDERS.filter((name) => name === provider);
const stopping = new AbortController();
const onProgress = (done: number) => {
  if (done < Number(forwards)) return;
  lookAtChildren();
  stopping.abort();
};
try {
  const volume = sampleVolume([Number(x), Number(y), Number(z)], FIELD_SPACING);
  const model = await loadModel(folder);
  const { signal } = stopping;
  await segment(volume, model, { signal, onProgress, saveProbability: true, executionProviders });
} catch (error) {
  if (!stopping.signal.aborted) throw error;
}
