import { parentPort, workerData } from 'node:worker_threads';
import { codeOf, messageOf } from '../../coded-error.ts';
import type { pictureOf } from './case-picture.ts';
import type { CaseAnswer, CaseRequest } from './in-thread.ts';
import { measureCase } from './measure-case.ts';

if (!parentPort) throw new Error('case-worker.ts is started by in-thread.ts as a worker thread');
const port = parentPort;
const request: CaseRequest = workerData;

/** Loaded for pictures only: it takes longer to start than most cases to measure. */
const drawn: typeof pictureOf = async (...about) => (await import('./case-picture.ts')).pictureOf(...about);

const answer = (message: CaseAnswer) => port.postMessage(message);

try {
  const { work, source, reading } = request;
  answer(
    work === 'measure'
      ? { measures: await measureCase(source, reading) }
      : { picture: await drawn(source, reading, request.isCt) },
  );
} catch (error) {
  answer({ failed: { code: codeOf(error), message: messageOf(error) } });
} finally {
  // Nothing to wait for any more: lets the thread end.
  port.close();
}
