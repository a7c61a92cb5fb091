import { isMarkedAsUntransferable } from 'node:worker_threads';
import { DicomError } from '../dicom-error.ts';
import { type Answered, answerJobs } from '../worker-side.ts';
import { readInstance } from './dataset.ts';
import { packed } from './in-pieces.ts';
import { readInstanceFile } from './instance-file.ts';
import { hasValuesElsewhere, naturalizeJson } from './naturalize.ts';
import { readValues } from './part10.ts';
import type { ReadingJob, ReadingResult } from './reading-jobs.ts';

answerJobs(async (job: ReadingJob): Promise<Answered<ReadingResult>> => {
  if (job.kind === 'file') {
    const file = await readInstanceFile(job.path, job.source, new Set(job.only));
    return { result: { kind: 'file', file } };
  }
  if (job.kind === 'json') {
    const json = parse(job.text, job.source);
    const found = naturalizeJson(json);
    const dataset = found && packed(found, job.source);
    return { result: { kind: 'json', dataset, lacksValues: hasValuesElsewhere(json) } };
  }
  const { bytes, source, only } = job;
  if (only) {
    const { dataset, transferSyntaxUid } = readValues(bytes, source, new Set(only));
    const instance = { transferSyntaxUid, frames: [], source };
    const result = { kind: 'bytes', instance, dataset: packed(dataset, source), bytes } as const;
    return { result, transfer: given([bytes]) };
  }
  const { dataset, ...instance } = readInstance(bytes, source);
  const result = { kind: 'bytes', instance, dataset: packed(dataset, source) } as const;
  return { result, transfer: given(instance.frames) };
});

function parse(text: Uint8Array, source: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(text));
  } catch (cause) {
    throw new DicomError('DICOM_UNREADABLE', `${source}: not JSON`, { cause });
  }
}

/** Memory that goes with the answer. */
function given(views: readonly Uint8Array[]): ArrayBuffer[] {
  const buffers = new Set(views.map(({ buffer }) => buffer));
  return [...buffers].filter(
    (buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer),
  );
}
