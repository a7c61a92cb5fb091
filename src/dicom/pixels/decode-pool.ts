import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { decodeStoredValues, type PixelFormat, type StoredValues } from './stored-values.ts';

/** What a worker is sent. */
export interface DecodeJob {
  readonly encoded: Uint8Array<ArrayBuffer>;
  readonly format: PixelFormat;
  readonly transferSyntaxUid: string;
}

/** What a worker sends: once that it is ready, then one answer to each job. */
export type DecodeAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'decoded'; readonly stored: StoredValues }
  | { readonly type: 'failed'; readonly reason: string };

export interface DecodePoolOptions {
  readonly size: number;
  readonly worker: URL;
  /** A frame that takes longer is refused, and its worker ended. */
  readonly frameTimeoutMs: number;
  /** A worker without work ends after this: codecs keep the memory of their largest image. */
  readonly idleMs: number;
}

interface Task {
  readonly job: DecodeJob;
  readonly resolve: (stored: StoredValues) => void;
  readonly reject: (reason: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  ready: boolean;
  task: Task | undefined;
  /** Limits a task at work, or ends an idle worker. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Decodes frames in worker threads, which start when they are needed and keep no process alive when they are
 * not.
 */
export class DecodePool {
  readonly size: number;
  readonly #options: DecodePoolOptions;
  readonly #members = new Set<Member>();
  readonly #waiting: Task[] = [];
  /** Set where no worker starts: frames are then decoded in the calling thread. */
  #unavailable = false;

  constructor(options: DecodePoolOptions) {
    this.size = options.size;
    this.#options = options;
  }

  /**
   * As `decodeStoredValues`, in a worker thread; in this one where no worker starts. The encoded bytes are
   * copied.
   */
  async decode(encoded: Uint8Array, format: PixelFormat, transferSyntaxUid: string): Promise<StoredValues> {
    if (this.#unavailable) return decodeStoredValues(encoded, format, transferSyntaxUid);
    const job = { encoded: new Uint8Array(encoded), format, transferSyntaxUid };
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#assign();
    });
  }

  /** Gives waiting tasks to free workers, and starts a worker where there are more of them. */
  #assign(): void {
    const members = [...this.#members];
    while (this.#waiting.length > 0) {
      const member = members.find(({ ready, task }) => ready && !task);
      const task = member && this.#waiting.shift();
      if (!task) break;
      this.#begin(member, task);
    }
    const starting = members.filter(({ ready }) => !ready).length;
    if (this.#waiting.length > starting && members.length < this.size) this.#start();
  }

  #begin(member: Member, task: Task): void {
    const { frameTimeoutMs } = this.#options;
    member.task = task;
    clearTimeout(member.timer);
    member.timer = setTimeout(
      () => this.#lose(member, `the decoder gave no answer in ${frameTimeoutMs / 1000} s`),
      frameTimeoutMs,
    );
    member.worker.ref();
    member.worker.postMessage(task.job, [task.job.encoded.buffer]);
  }

  #start(): void {
    const worker = new Worker(this.#options.worker);
    const member: Member = { worker, ready: false, task: undefined, timer: undefined };
    this.#members.add(member);
    worker.on('message', (answer: DecodeAnswer) => {
      if (answer.type === 'ready') member.ready = true;
      else end(member, answer);
      this.#rest(member);
      this.#assign();
    });
    worker.on('error', (error) => this.#lose(member, `the decoder ended: ${error.message}`));
    worker.on('exit', () => this.#lose(member, 'the decoder ended'));
  }

  #rest(member: Member): void {
    clearTimeout(member.timer);
    member.worker.unref();
    member.timer = setTimeout(() => this.#lose(member, 'idle'), this.#options.idleMs).unref();
  }

  /** A worker has ended, or is to end. Its frame is refused: decoded here, it might end this process too. */
  #lose(member: Member, reason: string): void {
    if (!this.#members.delete(member)) return;
    clearTimeout(member.timer);
    void member.worker.terminate();
    if (!member.ready) this.#giveUp();
    member.task?.reject(new Error(reason));
    this.#assign();
  }

  #giveUp(): void {
    this.#unavailable = true;
    for (const { job, resolve, reject } of this.#waiting.splice(0)) {
      decodeStoredValues(job.encoded, job.format, job.transferSyntaxUid).then(resolve, reject);
    }
  }
}

function end(member: Member, answer: Exclude<DecodeAnswer, { type: 'ready' }>): void {
  const { task } = member;
  member.task = undefined;
  if (answer.type === 'decoded') task?.resolve(answer.stored);
  else task?.reject(new Error(answer.reason));
}

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
