import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../coded-error.ts';
import { EvaluationError } from '../evaluation-error.ts';
import type { CaseSource, MaskReading } from '../sources/sources.ts';
import type { CaseMeasures } from './measure-case.ts';

/** What a thread is started with. */
export type CaseRequest = { readonly source: CaseSource; readonly reading: MaskReading } & (
  | { readonly work: 'measure' }
  | { readonly work: 'picture'; readonly isCt: boolean }
);

export type CaseAnswer =
  | { readonly measures: CaseMeasures }
  | { readonly picture: Uint8Array | undefined }
  | { readonly failed: { readonly code: string | undefined; readonly message: string } };

/** `measureCase` in a thread of its own, whose memory is gone afterwards, whatever happens in it. */
export async function measureInThread(source: CaseSource, reading: MaskReading): Promise<CaseMeasures> {
  const answer = await inThread({ work: 'measure', source, reading });
  if ('measures' in answer) return answer.measures;
  throw new TypeError('the thread gave a picture instead of measures');
}

/** `pictureOf` in a thread. */
export async function pictureInThread(
  source: CaseSource,
  reading: MaskReading,
  isCt: boolean,
): Promise<Uint8Array | undefined> {
  const answer = await inThread({ work: 'picture', source, reading, isCt });
  return 'picture' in answer ? answer.picture : undefined;
}

/** @throws {CodedError} with the code and the words of what failed; CASE_MEMORY where the thread broke off */
function inThread(request: CaseRequest): Promise<CaseAnswer> {
  // A packed release holds the same file as JavaScript.
  const file = new URL(`./case-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(file, { workerData: request });
  const { name } = request.source;
  return new Promise((resolve, reject) => {
    let answer: CaseAnswer | undefined;
    let failure: Error | undefined;
    worker.on('message', (message: CaseAnswer) => {
      answer = message;
    });
    worker.on('error', (cause) => {
      failure = new EvaluationError('CASE_MEMORY', `${name}: its thread broke off: ${String(cause)}`, {
        cause,
      });
    });
    worker.on('exit', (code) => {
      if (answer && 'failed' in answer) {
        const { code: known = 'UNEXPECTED', message } = answer.failed;
        reject(new CodedError(known, message));
      } else if (answer) resolve(answer);
      else
        reject(failure ?? new EvaluationError('CASE_MEMORY', `${name}: its thread ended with code ${code}`));
    });
  });
}
