import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../coded-error.ts';
import { type Network, openNetwork } from '../inference/network.ts';
import { networksOf } from '../inference/networks.ts';
import type { Predict } from '../inference/window.ts';
import { type NetworkFile, stampOf } from '../model/file-stamp.ts';
import { classesOf } from '../model/model-info.ts';
import { answersAsOnCpu } from '../probe-network.ts';
import { type Segmentation, segmentVolume } from '../segment-volume.ts';
import { SegmentationError } from '../segmentation-error.ts';
import type { LoadedModel, SegmentTask, ThreadAnswer } from './messages.ts';

if (!parentPort) throw new Error('segment-worker.ts is started by segment-process.ts as a worker thread');
const port = parentPort;
const { info, networks: files, threads, executionProviders }: LoadedModel = workerData;

const answer = (message: ThreadAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

/** Whether a network gave way to another execution provider: the next study is to try the first again. */
let gaveWay = false;
const onWarning = (message: string) => {
  gaveWay = true;
  answer({ type: 'warning', message });
};

/** Once per network: a network may be opened several times in the course of a study. */
const probed = new Set<string>();
const probe = (file: string) => async (predict: Predict) => {
  if (probed.has(file)) return;
  await answersAsOnCpu(predict, file, info, threads);
  probed.add(file);
};

/** What was opened last stays, for the next volume too. */
const networks = networksOf(
  files.map((networkFile) => async (): Promise<Network> => {
    const { file } = networkFile;
    const options = { executionProviders, classes: classesOf(info), onWarning, probe: probe(file) };
    const network = await openNetwork(file, info.patchSize, threads, options);
    await refuseChanged(networkFile);
    return network;
  }),
);

/** @throws SegmentationError where a file is not any more what the model's hash was checked on */
async function refuseChanged({ file, stamp }: NetworkFile): Promise<void> {
  if ((await stampOf(file)) === stamp) return;
  throw new SegmentationError('INFERENCE_FAILED', `${file} was changed since its sha256 was checked`);
}

/** The buffers change threads instead of being copied. */
const buffersOf = ({ mask, probability, softMask }: Segmentation): ArrayBuffer[] =>
  [mask.buffer, probability?.buffer, softMask.buffer].filter((buffer) => buffer instanceof ArrayBuffer);

/** One after the other. The first network is opened before there is a volume, which is told what fails. */
let before = isOnCpu() ? networks.first(async () => undefined).catch(() => undefined) : Promise.resolve();
port.on('message', (task: SegmentTask) => {
  before = before.then(() => work(task));
});

/** On a GPU it may give way with a warning, which is for the volume at work. */
function isOnCpu(): boolean {
  return executionProviders[0] === 'cpu';
}

async function work({ volume, saveProbability, mode }: SegmentTask): Promise<void> {
  try {
    for (const file of files) await refuseChanged(file);
    // The image is resampled as a whole then, and the work takes many times as long as loading the network.
    if (mode === 'exact') await networks[Symbol.asyncDispose]();
    const segmentation = await segmentVolume(volume, info, networks, {
      saveProbability,
      mode,
      onProgress: (done, total) => answer({ type: 'progress', done, total }),
    });
    answer({ type: 'done', segmentation, keeps: !gaveWay }, buffersOf(segmentation));
  } catch (error) {
    const code = error instanceof SegmentationError ? error.code : undefined;
    answer({ type: 'failed', code, message: messageOf(error) });
  }
  // Until the next volume there is a network in memory, and nothing else.
  setImmediate(() => globalThis.gc?.());
}
