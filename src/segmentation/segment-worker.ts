import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../coded-error.ts';
import { openNetwork } from './inference/network.ts';
import type { Predict } from './inference/window.ts';
import { classesOf } from './model/model-info.ts';
import { answersAsOnCpu } from './probe-network.ts';
import type { SegmentAnswer, SegmentRequest } from './segment.ts';
import { type Segmentation, segmentVolume } from './segment-volume.ts';
import { SegmentationError } from './segmentation-error.ts';

if (!parentPort) throw new Error('segment-worker.ts is started by segment.ts as a worker thread');
const port = parentPort;
const request: SegmentRequest = workerData;
const { volume, info, networks, threads, executionProviders, saveProbability, mode } = request;

const stopping = new AbortController();
port.once('message', () => stopping.abort());

const answer = (message: SegmentAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const onWarning = (message: string) => answer({ type: 'warning', message });

/** Once per network: a network may be opened several times in the course of a study. */
const probed = new Set<string>();
const probe = (file: string) => async (predict: Predict) => {
  if (probed.has(file)) return;
  await answersAsOnCpu(predict, file, info, threads);
  probed.add(file);
};

/** The buffers change threads instead of being copied. */
const buffersOf = ({ mask, probability, softMask }: Segmentation): ArrayBuffer[] =>
  [mask.buffer, probability?.buffer, softMask.buffer].filter((buffer) => buffer instanceof ArrayBuffer);

try {
  const segmentation = await segmentVolume(
    volume,
    info,
    networks.map(
      (file) => () =>
        openNetwork(file, info.patchSize, threads, {
          executionProviders,
          classes: classesOf(info),
          onWarning,
          probe: probe(file),
        }),
    ),
    {
      signal: stopping.signal,
      saveProbability,
      mode,
      onProgress: (done, total) => answer({ type: 'progress', done, total }),
    },
  );
  answer({ type: 'done', segmentation }, buffersOf(segmentation));
} catch (error) {
  const code = error instanceof SegmentationError ? error.code : undefined;
  const message = messageOf(error);
  answer({ type: 'failed', code, message });
} finally {
  // Nothing to wait for any more: lets the thread end.
  port.close();
}
