import { parentPort, workerData } from 'node:worker_threads';
import { codeOf, messageOf } from '../../coded-error.ts';
import { pictureOf } from './case-picture.ts';
import type { CaseAnswer, CaseRequest } from './in-thread.ts';
import { measureCase } from './measure-case.ts';

if (!parentPort) throw new Error('case-worker.ts is started by in-thread.ts as a worker thread');
const port = parentPort;
const request: CaseRequest = workerData;

const answer = (message: CaseAnswer) => port.postMessage(message);

try {
  const { work, source, reading } = request;
  answer(
    work === 'measure'
      ? { measures: await measureCase(source, reading) }
      : { picture: await pictureOf(source, reading, request.isCt) },
  );
} catch (error) {
  answer({ failed: { code: codeOf(error), message: messageOf(error) } });
} finally {
  // Nothing to wait for any more: lets the thread end.
  port.close();
}
