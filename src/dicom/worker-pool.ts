import { Worker } from 'node:worker_threads';
import { messageOf } from '../coded-error.ts';

/** What a worker of a pool sends: once that it is ready, then one answer to each job. */
export type WorkerAnswer<Result> =
  | { readonly type: 'ready' }
  | (JobEnd & { readonly type: 'done'; readonly result: Result })
  | (JobEnd & { readonly type: 'failed'; readonly reason: string; readonly code?: string | undefined });

interface JobEnd {
  /** Bytes that the worker holds now, of JavaScript objects and of buffers. */
  readonly heldBytes: number;
}

export interface WorkerPoolOptions<Job, Result> {
  readonly size: number;
  readonly worker: URL;
  /** What the worker is, for messages: `the decoder`. */
  readonly what: string;
  /** A job that takes longer is refused, and its worker ended. */
  readonly limitMs: number;
  /** A worker without work ends after this. */
  readonly idleMs: number;
  /** Most memory of a worker's JavaScript objects, in MB; it ends beyond that. Buffers are not counted. */
  readonly heapMb?: number;
  /** A worker that holds more after a job, in MB, ends at once: memory goes back with its thread alone. */
  readonly keptMb?: number;
  /** Does a job in the calling thread where no worker starts; without it such jobs are refused. */
  readonly here?: (job: Job) => Promise<Result>;
}

/** A worker has taken half of this when it starts: 36 to 40 MB were measured. */
const KEPT_MB = 72;
/** Node's own is three times as much, all of which fills up before a worker thinks of its limit. */
const YOUNG_GENERATION_MB = 16;

/** The worker ended, or was ended, before it answered. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
}

/** The worker refused the job. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed';
  readonly code: string | undefined;

  constructor(reason: string, code: string | undefined) {
    super(reason);
    this.code = code;
  }
}

interface Task<Job, Result> {
  readonly job: Job;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

interface Member<Job, Result> {
  readonly worker: Worker;
  ready: boolean;
  task: Task<Job, Result> | undefined;
  /** Limits a task at work, or ends an idle worker. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Jobs for worker threads, which start when they are needed and keep no process alive when they are not. A
 * worker that takes too long is ended, and another one takes its place.
 */
export class WorkerPool<Job, Result> {
  readonly #options: WorkerPoolOptions<Job, Result>;
  readonly #members = new Set<Member<Job, Result>>();
  readonly #waiting: Task<Job, Result>[] = [];
  /** Set where no worker starts and jobs can be done in the calling thread. */
  #unavailable = false;

  constructor(options: WorkerPoolOptions<Job, Result>) {
    this.#options = options;
  }

  /**
   * @param transfer buffers of the job that the caller gives away
   * @throws WorkerLost, JobFailed
   */
  async run(job: Job, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    const { here } = this.#options;
    if (this.#unavailable && here) return here(job);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, transfer, resolve, reject });
      this.#assign();
    });
  }

  /** Starts a worker for a job that is to come soon, where there is none; it ends as any that is idle. */
  warm(): void {
    if (this.#members.size === 0 && !this.#unavailable) this.#start();
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
    if (this.#waiting.length > starting && members.length < this.#options.size) this.#start();
  }

  #begin(member: Member<Job, Result>, task: Task<Job, Result>): void {
    const { limitMs, what } = this.#options;
    member.task = task;
    clearTimeout(member.timer);
    const late = `${what} gave no answer in ${limitMs / 1000} s`;
    member.timer = setTimeout(() => this.#lose(member, late), limitMs);
    member.worker.ref();
    member.worker.postMessage(task.job, [...task.transfer]);
  }

  #start(): void {
    const { worker: url, what, heapMb, keptMb = KEPT_MB } = this.#options;
    const resourceLimits =
      heapMb === undefined
        ? {}
        : { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
    const worker = new Worker(url, { resourceLimits });
    const member: Member<Job, Result> = { worker, ready: false, task: undefined, timer: undefined };
    this.#members.add(member);
    worker.on('message', (answer: WorkerAnswer<Result>) => {
      if (answer.type === 'ready') member.ready = true;
      else end(member, answer);
      if (answer.type === 'ready' || answer.heldBytes <= keptMb * 1e6) this.#rest(member);
      else this.#lose(member, 'it holds too much');
      this.#assign();
    });
    worker.on('error', (error) => this.#lose(member, `${what} ended: ${messageOf(error)}`));
    worker.on('exit', () => this.#lose(member, `${what} ended`));
  }

  #rest(member: Member<Job, Result>): void {
    clearTimeout(member.timer);
    member.worker.unref();
    member.timer = setTimeout(() => this.#lose(member, 'idle'), this.#options.idleMs).unref();
  }

  /** A worker has ended, or is to end. Its job is refused: done here, it might end this process too. */
  #lose(member: Member<Job, Result>, reason: string): void {
    if (!this.#members.delete(member)) return;
    clearTimeout(member.timer);
    void member.worker.terminate();
    if (!member.ready) this.#giveUp(reason);
    member.task?.reject(new WorkerLost(reason));
    this.#assign();
  }

  #giveUp(reason: string): void {
    const { here } = this.#options;
    this.#unavailable = here !== undefined;
    for (const { job, resolve, reject } of this.#waiting.splice(0)) {
      if (here) here(job).then(resolve, reject);
      else reject(new WorkerLost(reason));
    }
  }
}

function end<Job, Result>(
  member: Member<Job, Result>,
  answer: Exclude<WorkerAnswer<Result>, { type: 'ready' }>,
): void {
  const { task } = member;
  member.task = undefined;
  if (answer.type === 'done') task?.resolve(answer.result);
  else task?.reject(new JobFailed(answer.reason, answer.code));
}
