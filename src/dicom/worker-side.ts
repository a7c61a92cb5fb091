import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { codeOf, messageOf } from '../coded-error.ts';
import type { WorkerAnswer } from './worker-pool.ts';

/** A result, and which of its buffers are given away with it. */
export interface Answered<Result> {
  readonly result: Result;
  readonly transfer?: readonly ArrayBuffer[] | undefined;
}

/** The side of a worker of a `WorkerPool`: answers each job with what `work` makes of it. */
export function answerJobs(work: (job: never) => Promise<Answered<unknown>>): void {
  if (!parentPort) throw new Error('this file is started by a pool as a worker thread');
  const port = parentPort;
  const send = (answer: WorkerAnswer<unknown>, transfer: readonly ArrayBuffer[] = []) =>
    port.postMessage(answer, [...transfer]);
  const answer = async (job: never): Promise<void> => {
    try {
      const { result, transfer } = await work(job);
      send({ type: 'done', result, heldBytes: heldBytes() }, transfer);
    } catch (error) {
      send({ type: 'failed', reason: messageOf(error), code: codeOf(error), heldBytes: heldBytes() });
    }
  };
  // One job at a time: the pool sends the next one after the answer.
  port.on('message', (job: unknown) => void answer(job as never));
  send({ type: 'ready' });
}

function heldBytes(): number {
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}
