import { isMarkedAsUntransferable } from 'node:worker_threads';
import { DicomError } from '../dicom-error.ts';
import { type Answered, answerJobs } from '../worker-side.ts';
import { readInstance } from './dataset.ts';
import { buffersOf, packed } from './in-pieces.ts';
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
    const lacksValues = hasValuesElsewhere(json);
    return { result: { kind: 'json', dataset, lacksValues }, transfer: dataset && buffersOf([dataset]) };
  }
  const { bytes, source, wanted, mostBytes } = job;
  if (wanted !== 'all') {
    const only = wanted === 'header' ? undefined : new Set(wanted);
    const { dataset: values, transferSyntaxUid } = readValues(bytes, source, only);
    const instance = { transferSyntaxUid, frames: [], source };
    const dataset = packed(values, source);
    if (wanted === 'header') {
      return { result: { kind: 'bytes', instance, dataset }, transfer: buffersOf([dataset]) };
    }
    const result = { kind: 'bytes', instance, dataset, bytes } as const;
    return { result, transfer: [...buffersOf([dataset]), ...given([bytes])] };
  }
  const { dataset: whole, ...instance } = readInstance(bytes, source, undefined, mostBytes);
  const dataset = packed(whole, source);
  const result = { kind: 'bytes', instance, dataset } as const;
  return { result, transfer: [...buffersOf([dataset]), ...given(instance.frames)] };
});

/** The bytes are gone afterwards: they need not lie beside what becomes of them. */
function parse(bytes: Uint8Array<ArrayBuffer>, source: string): unknown {
  const text = new TextDecoder().decode(bytes);
  bytes.buffer.transfer(0);
  try {
    return JSON.parse(text);
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
