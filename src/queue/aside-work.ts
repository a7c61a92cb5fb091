import { Pause } from './pause.ts';

export interface AsideParts<Job> {
  /** Whether nothing more urgent waits. */
  readonly isFree: () => Promise<boolean>;
  /** Whether there is a next job. */
  readonly waits: () => Promise<boolean>;
  /** The next job, undefined where there is none. */
  readonly take: () => Promise<Job | undefined>;
  /** Must not reject, and must end soon after `signal` aborts: then the job is to be put back. */
  readonly work: (job: Job, signal: AbortSignal) => Promise<void>;
  /** How long to wait for the next look where there was nothing to do and nobody called `wake`. */
  readonly pollMs: number;
  readonly onError: (error: Error) => void;
}

/**
 * Work that nobody waits for: one job at a time, and only while this process has no study in hand and none
 * waits. A study that is begun does not wait for it: it ends the job in hand, which is done again later.
 */
export class AsideWork<Job> {
  readonly #parts: AsideParts<Job>;
  #isAtWork = false;
  /** How many studies are in hand. */
  #studies = 0;
  #isStopping = false;
  /** Ends the job in hand, or the one that is just being taken. */
  #giveWay = new AbortController();
  readonly #pause = new Pause();
  readonly #ended: Promise<void>;

  constructor(parts: AsideParts<Job>) {
    this.#parts = parts;
    this.#ended = this.#run();
  }

  /**
   * A study is begun: the job in hand gives way.
   * @returns to be disposed of when the study is over
   */
  studyBegins(): Disposable {
    this.#studies += 1;
    this.#giveWay.abort(new Error('a study came'));
    let isMine = true;
    return {
      [Symbol.dispose]: () => {
        if (!isMine) return;
        isMine = false;
        this.#studies -= 1;
        this.wake();
      },
    };
  }

  /** Whether it is at a job, or would be if it were not for the studies in hand. */
  async hasWork(): Promise<boolean> {
    return this.#isAtWork || ((await this.#parts.isFree()) && (await this.#parts.waits()));
  }

  /** Looks for a job now instead of at the next poll. */
  wake(): void {
    this.#pause.wake();
  }

  /** Ends the job in hand, and takes no more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#giveWay.abort(new Error('the node stops'));
    this.wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.#pause.begin();
      const giveWay = new AbortController();
      this.#giveWay = giveWay;
      const job = await this.#next().catch((error: unknown) => {
        this.#parts.onError(error instanceof Error ? error : new Error(String(error)));
        return undefined;
      });
      if (job !== undefined) await this.#parts.work(job, giveWay.signal);
      this.#isAtWork = false;
      if (job === undefined) await this.#pause.wait(this.#parts.pollMs);
    }
  }

  async #next(): Promise<Job | undefined> {
    if (this.#studies > 0 || !(await this.#parts.isFree())) return undefined;
    if (this.#studies > 0 || this.#isStopping) return undefined;
    this.#isAtWork = true;
    return this.#parts.take();
  }
}
