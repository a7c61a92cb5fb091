import { extname } from 'node:path';
import { WorkerLost, WorkerPool } from '../dicom/worker-pool.ts';
import { type MadeHeader, UnreadableInstance } from './instance-header.ts';

/** What a worker makes of a file: its header, or why there is none. */
export type HeaderResult =
  | { readonly made: MadeHeader }
  | {
      readonly refused: string;
      readonly sopUid: string | undefined;
      readonly sopClassUid: string | undefined;
    };

/** The largest headers take some seconds, and the digest of the largest files a minute. */
const LIMIT_MS = 120_000;

const pool = new WorkerPool<string, HeaderResult>({
  size: 2,
  worker: new URL(`header-worker${extname(import.meta.filename)}`, import.meta.url),
  what: 'the reader',
  limitMs: LIMIT_MS,
  idleMs: 30_000,
  heapMb: 256,
  keptMb: 96,
});

/**
 * As `makeHeader`, in a worker thread that has a limit of time and memory.
 * @throws UnreadableInstance
 */
export async function headerOf(path: string): Promise<MadeHeader> {
  let result: HeaderResult;
  try {
    result = await pool.run(path);
  } catch (cause) {
    if (!(cause instanceof WorkerLost)) throw cause;
    throw new UnreadableInstance(cause.message, undefined, undefined, { cause });
  }
  if ('made' in result) return result.made;
  throw new UnreadableInstance(result.refused, result.sopUid, result.sopClassUid);
}
