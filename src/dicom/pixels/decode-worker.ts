import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../coded-error.ts';
import type { DecodeAnswer, DecodeJob } from './decode-pool.ts';
import { decodeStoredValues } from './stored-values.ts';

if (!parentPort) throw new Error('decode-worker.ts is started by decode-pool.ts as a worker thread');
const port = parentPort;

const answer = (message: DecodeAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

async function decode({ encoded, format, transferSyntaxUid }: DecodeJob): Promise<void> {
  try {
    const stored = await decodeStoredValues(encoded, format, transferSyntaxUid);
    answer({ type: 'decoded', stored }, stored.buffer instanceof ArrayBuffer ? [stored.buffer] : []);
  } catch (error) {
    answer({ type: 'failed', reason: messageOf(error) });
  }
}

// One job at a time: the pool sends the next one after the answer.
port.on('message', (job: DecodeJob) => void decode(job));
answer({ type: 'ready' });
