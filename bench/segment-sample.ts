/**
 * Segments a sample volume as the node does, in a worker; stops after some forward passes.
 *
 *   node bench/segment-sample.ts MODEL_FOLDER FORWARDS X Y Z
 */
import { loadModel } from '../src/segmentation/model/model-folder.ts';
import { segment } from '../src/segmentation/segment.ts';
import { sampleVolume } from './sample-case.ts';

/** mm, [z, y, x]: the largest usual field of view, 500 mm. */
const SPACING = [1.25, 0.9766, 0.9766] as const;

const [folder = '', forwards, x, y, z] = process.argv.slice(2);
const stopping = new AbortController();
const onProgress = (done: number) => {
  if (done >= Number(forwards)) stopping.abort();
};
try {
  const volume = sampleVolume([Number(x), Number(y), Number(z)], SPACING);
  const model = await loadModel(folder);
  await segment(volume, model, { signal: stopping.signal, onProgress, saveProbability: true });
} catch (error) {
  if (!stopping.signal.aborted) throw error;
}
