import '../../telemetry-off.ts';
/**
 * The process in which networks run, started by `model-process.ts`. A forward pass cannot be given up, and
 * holds the thread that it runs in for minutes on a slow machine; a process can be ended. The work is done in
 * a thread of it, so that this one sees at any time when the node is gone, and ends with it.
 */
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { VoxelArray } from '../../dicom/volume.ts';
import { BYTES_FD, receiveBytes, sendBytes } from './byte-pipe.ts';
import {
  arrayOf,
  bytesOf,
  type LoadedModel,
  type Part,
  type ProcessRequest,
  partOf,
  type SegmentAnswer,
  type SegmentRequest,
  type SegmentTask,
  type ThreadAnswer,
} from './messages.ts';

/** Of a thousand; what is added to what the kernel makes of a process's share of the memory. */
const OOM_SCORE = 500;

/** The node alone ends this process: with its terminal or its service manager it would end too early. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
preferToBeEnded();

const bytes = new Socket({ fd: BYTES_FD });
bytes.pause();
let thread: Worker | undefined;

process.on('message', (request: ProcessRequest) => {
  if (request.type === 'begin') thread = startThread(request.model);
  else handOn(request).catch((error: unknown) => fail(String(error)));
});

async function handOn({ volume, voxels: numbers, ...work }: SegmentRequest): Promise<void> {
  const voxels = arrayOf(numbers);
  await receiveBytes(bytes, [bytesOf(voxels)]);
  const task: SegmentTask = { ...work, volume: { ...volume, voxels } };
  // The voxels change threads instead of being copied.
  thread?.postMessage(task, voxels.buffer instanceof ArrayBuffer ? [voxels.buffer] : []);
}

function startThread(model: LoadedModel): Worker {
  // A packed release holds the same file as JavaScript.
  const url = new URL(`./segment-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(url, { workerData: model });
  worker.on('message', (message: ThreadAnswer) => {
    answer(message).catch((error: unknown) => fail(String(error)));
  });
  worker.on('error', (error: unknown) => fail(`segmentation broke off: ${String(error)}`));
  worker.on('exit', (code) => fail(`its thread ended early with code ${code}`));
  return worker;
}

async function answer(message: ThreadAnswer): Promise<void> {
  if (message.type !== 'done') return send(message);
  const { segmentation, keeps } = message;
  const { mask, softMask, probability, voxelRange, seconds, region } = segmentation;
  const parts = {
    mask: partOf(mask, region),
    softMask: partOf(softMask, region),
    probability: probability && partOf(probability),
  };
  send({ type: 'done', voxelRange, seconds, keeps, ...parts });
  await sendPart(mask, parts.mask);
  await sendPart(softMask, parts.softMask);
  if (probability) await sendPart(probability, partOf(probability));
  setImmediate(() => globalThis.gc?.());
}

const sendPart = (array: VoxelArray, { first, end }: Part): Promise<void> =>
  sendBytes(bytes, bytesOf(array.subarray(first, end)));

/** The next volume gets another process. */
function fail(message: string): void {
  send({ type: 'failed', code: undefined, message }, () => process.exit(1));
}

function send(message: SegmentAnswer, sent: () => void = () => undefined): void {
  // Without a node there is nobody to answer: this process is about to end.
  if (process.connected) process.send?.(message, sent);
}

/** Where the machine's memory runs out, Linux ends this process rather than the node: one study fails. */
function preferToBeEnded(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(OOM_SCORE));
  } catch {
    // Another system, or one that does not allow it.
  }
}
