import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { WorkerPool } from '../worker-pool.ts';
import { decodeStoredValues, type PixelFormat, type StoredValues } from './stored-values.ts';

/** What a worker is sent. */
export interface DecodeJob {
  readonly encoded: Uint8Array<ArrayBuffer>;
  readonly format: PixelFormat;
  readonly transferSyntaxUid: string;
}

export interface DecodePoolOptions {
  readonly size: number;
  readonly worker: URL;
  /** A frame that takes longer is refused, and its worker ended. */
  readonly frameTimeoutMs: number;
  /** A worker without work ends after this: codecs keep the memory of their largest image. */
  readonly idleMs: number;
}

/**
 * Decodes frames in worker threads, which start when they are needed and keep no process alive when they are
 * not.
 */
export class DecodePool {
  readonly size: number;
  readonly #pool: WorkerPool<DecodeJob, StoredValues>;

  constructor({ size, worker, frameTimeoutMs, idleMs }: DecodePoolOptions) {
    this.size = size;
    this.#pool = new WorkerPool({
      size,
      worker,
      what: 'the decoder',
      limitMs: frameTimeoutMs,
      idleMs,
      keptMb: KEPT_MB,
      here: ({ encoded, format, transferSyntaxUid }) =>
        decodeStoredValues(encoded, format, transferSyntaxUid),
    });
  }

  /**
   * As `decodeStoredValues`, in a worker thread; in this one where no worker starts. The encoded bytes are
   * copied.
   */
  async decode(encoded: Uint8Array, format: PixelFormat, transferSyntaxUid: string): Promise<StoredValues> {
    const job = { encoded: new Uint8Array(encoded), format, transferSyntaxUid };
    return this.#pool.run(job, [job.encoded.buffer]);
  }
}

/** A worker with a codec holds 80 to 90 MB; started anew for each frame, it would take longest. */
const KEPT_MB = 192;

/** More threads gain little: the frames of one series come through one thread. */
const MAX_WORKERS = 4;

/**
 * The pool that all series share. The largest CT images take less than a second; longer means a codec in
 * circles.
 */
export const decodePool = new DecodePool({
  size: Math.min(availableParallelism(), MAX_WORKERS),
  worker: new URL(`decode-worker${extname(import.meta.filename)}`, import.meta.url),
  frameTimeoutMs: 30_000,
  idleMs: 30_000,
});
