import { extname } from 'node:path';
import { DICOM_ERROR_CODES, DicomError, TooMuchToRead } from '../dicom-error.ts';
import { JobFailed, WorkerLost, WorkerPool } from '../worker-pool.ts';
import { type DicomDataset, type Instance, readInstance } from './dataset.ts';
import type { ReadingEffort } from './elements.ts';
import { unpackedInTurns } from './in-pieces.ts';
import type { InstanceFile } from './instance-file.ts';
import { readValues } from './part10.ts';
import type { ReadingJob, ReadingResult } from './reading-jobs.ts';

/** Takes some milliseconds: ten times the header of an ordinary slice. */
const SMALL: ReadingEffort = { elements: 10_000, items: 2_000, values: 20_000 };
/** The largest headers that are read take about two seconds of an idle core. */
const LIMIT_MS = 30_000;
const IDLE_MS = 30_000;
/** Twelve thousand frames with forty values each, and more, fit into it. */
const HEAP_MB = 128;

/** What large files took goes back soon; the next one of a series comes sooner. */
const OWN_IDLE_MS = 2_000;

const readers = (size: number, heapMb: number, idleMs: number) =>
  new WorkerPool<ReadingJob, ReadingResult>({
    size,
    worker: new URL(`reading-worker${extname(import.meta.filename)}`, import.meta.url),
    what: 'the reader',
    limitMs: LIMIT_MS,
    idleMs,
    heapMb,
  });

/** For what comes in: no more than a few values of each file are kept. */
const doorReaders = readers(2, 48, IDLE_MS);
/** For what the node asked for itself, so that it never waits behind what strangers send. */
const ownReaders = readers(1, HEAP_MB, OWN_IDLE_MS);

/**
 * As `readInstanceFile`, of a file that a stranger may have made: in a worker thread that has a time limit.
 * @param only tags whose values are taken
 * @throws DicomError as `readInstanceFile`; DICOM_UNREADABLE too where that takes too long or too much memory
 */
export async function readForeignFile(
  path: string,
  source: string,
  only: readonly string[],
): Promise<InstanceFile> {
  const result = await read(doorReaders, { kind: 'file', path, only, source });
  if (result.kind !== 'file') throw anotherQuestion();
  return result.file;
}

/**
 * As `readInstance`, of bytes that a stranger may have made: ordinary headers at once, larger and deflated
 * ones in a worker thread that has a time limit, so that nothing holds the event loop.
 * @param bytes are the reader's from now on: they may be gone afterwards
 * @param mostBytes that they may become where they are deflated, if that is known
 * @throws DicomError as `readInstance`; DICOM_UNREADABLE too where that takes too long or too much memory
 */
export async function readForeignInstance(
  bytes: Uint8Array,
  source: string,
  mostBytes?: number,
): Promise<Instance> {
  try {
    return readInstance(bytes, source, SMALL);
  } catch (error) {
    if (!(error instanceof TooMuchToRead)) throw error;
  }
  const own = inOwnBuffer(bytes);
  const job = { kind: 'bytes', bytes: own, source, wanted: 'all', mostBytes } as const;
  const result = await read(ownReaders, job, [own.buffer]);
  if (result.kind !== 'bytes') throw anotherQuestion();
  return { ...result.instance, dataset: await unpackedInTurns(result.dataset) };
}

/**
 * As `readForeignInstance`, of the header alone: what comes behind it may be missing.
 * @throws DicomError as `readForeignInstance`
 */
export async function readForeignHeader(bytes: Uint8Array, source: string): Promise<DicomDataset> {
  try {
    return readValues(bytes, source, undefined, { effort: SMALL }).dataset;
  } catch (error) {
    if (!(error instanceof TooMuchToRead)) throw error;
  }
  const own = inOwnBuffer(bytes);
  const result = await read(ownReaders, { kind: 'bytes', bytes: own, source, wanted: 'header' }, [
    own.buffer,
  ]);
  if (result.kind !== 'bytes') throw anotherQuestion();
  return unpackedInTurns(result.dataset);
}

/** A few values of an instance, with its bytes: those that were given may be gone. */
export interface ForeignValues {
  readonly dataset: DicomDataset;
  readonly bytes: Uint8Array;
}

/**
 * A few values of an instance that a stranger may have made, as `readForeignInstance` takes all.
 * @param only tags whose values are taken
 * @throws DicomError as `readForeignInstance`
 */
export async function readForeignValues(
  bytes: Uint8Array,
  source: string,
  only: readonly string[],
): Promise<ForeignValues> {
  try {
    return { dataset: readValues(bytes, source, new Set(only), { effort: SMALL }).dataset, bytes };
  } catch (error) {
    if (!(error instanceof TooMuchToRead)) throw error;
  }
  const own = inOwnBuffer(bytes);
  const result = await read(ownReaders, { kind: 'bytes', bytes: own, source, wanted: only }, [own.buffer]);
  if (result.kind !== 'bytes' || !result.bytes) throw anotherQuestion();
  return { dataset: await unpackedInTurns(result.dataset), bytes: result.bytes };
}

export interface ForeignJson {
  /** Undefined where it is no data set of the DICOM JSON model. */
  readonly dataset: DicomDataset | undefined;
  /** See `hasValuesElsewhere`. */
  readonly lacksValues: boolean;
}

/**
 * A data set in DICOM JSON that a stranger may have made, in a worker thread: for long texts.
 * @param text in UTF-8; the reader's from now on
 * @throws DicomError DICOM_UNREADABLE where it is no JSON, or takes too long or too much memory
 */
export async function readForeignJson(text: Uint8Array, source: string): Promise<ForeignJson> {
  const own = inOwnBuffer(text);
  const result = await read(ownReaders, { kind: 'json', text: own, source }, [own.buffer]);
  if (result.kind !== 'json') throw anotherQuestion();
  const { dataset, lacksValues } = result;
  return { dataset: dataset && (await unpackedInTurns(dataset)), lacksValues };
}

const anotherQuestion = (): Error => new Error('the reader answered another question');

/** So that they can be given away: a view of a larger buffer is copied. */
function inOwnBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.byteLength === bytes.buffer.byteLength;
  return bytes.buffer instanceof ArrayBuffer && isAlone
    ? new Uint8Array(bytes.buffer)
    : new Uint8Array(bytes);
}

async function read(
  pool: WorkerPool<ReadingJob, ReadingResult>,
  job: ReadingJob,
  transfer: readonly ArrayBuffer[] = [],
): Promise<ReadingResult> {
  try {
    return await pool.run(job, transfer);
  } catch (error) {
    if (error instanceof WorkerLost) {
      throw new DicomError('DICOM_UNREADABLE', `${job.source}: ${error.message}`, { cause: error });
    }
    const code = error instanceof JobFailed && DICOM_ERROR_CODES.find((one) => one === error.code);
    throw code ? new DicomError(code, error.message) : error;
  }
}
