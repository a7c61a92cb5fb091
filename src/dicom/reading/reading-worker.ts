import { isMarkedAsUntransferable } from 'node:worker_threads';
import { type Answered, answerJobs } from '../worker-side.ts';
import { readInstance } from './dataset.ts';
import { readInstanceFile } from './instance-file.ts';
import type { ReadingJob, ReadingResult } from './reading-jobs.ts';

answerJobs(async (job: ReadingJob): Promise<Answered<ReadingResult>> => {
  if (job.kind === 'file') {
    const file = await readInstanceFile(job.path, job.source, new Set(job.only));
    return { result: { kind: 'file', file } };
  }
  const instance = readInstance(job.bytes, job.source);
  const buffers = new Set(instance.frames.map(({ buffer }) => buffer));
  const transfer = [...buffers].filter(
    (buffer) => buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer),
  );
  return { result: { kind: 'bytes', instance }, transfer: transfer as ArrayBuffer[] };
});
