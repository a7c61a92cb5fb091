export interface WorkLoopParts<Job> {
  /** The next job, undefined where there is none. */
  readonly take: () => Promise<Job | undefined>;
  /** Must not reject. */
  readonly work: (job: Job) => Promise<void>;
  readonly concurrency: number;
  /** How long to wait for the next look where there was no job and nobody called `wake`. */
  readonly pollMs: number;
  readonly onError: (error: Error) => void;
}

/** Takes jobs and works on a bounded number of them at a time, until it is stopped. */
export class WorkLoop<Job> {
  readonly #parts: WorkLoopParts<Job>;
  readonly #running = new Set<Promise<void>>();
  readonly #taking: Promise<void>;
  #isStopping = false;
  #isWoken = false;
  #endPause: () => void = () => undefined;

  constructor(parts: WorkLoopParts<Job>) {
    this.#parts = parts;
    this.#taking = this.#take();
  }

  /** Looks for a job now instead of at the next poll. */
  wake(): void {
    this.#isWoken = true;
    this.#endPause();
  }

  /** Takes no more jobs; resolves when those in hand have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.wake();
    await this.#taking;
    await Promise.all(this.#running);
  }

  async #take(): Promise<void> {
    const { take, work, concurrency, onError } = this.#parts;
    while (!this.#isStopping) {
      this.#isWoken = false;
      const job =
        this.#running.size < concurrency
          ? await take().catch((error: unknown) => {
              onError(asError(error));
              return undefined;
            })
          : undefined;
      if (job === undefined) {
        await this.#pause();
        continue;
      }
      const running = work(job).finally(() => {
        this.#running.delete(running);
        this.wake();
      });
      this.#running.add(running);
    }
  }

  async #pause(): Promise<void> {
    if (this.#isWoken || this.#isStopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#parts.pollMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
