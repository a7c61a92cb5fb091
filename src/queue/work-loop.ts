import { Pause } from './pause.ts';
import { Turns } from './turns.ts';

/** What a job in hand says to those that come after it. */
export interface Hand {
  /**
   * Waits until it may do what only so many jobs do at a time; from then on it is one of them until it ends.
   * Asking again changes nothing.
   */
  readonly takeTurn: (signal: AbortSignal) => Promise<void>;
  /** It ends soon: another job may be begun already, as far as its own turn. */
  readonly nearlyOver: () => void;
}

export interface WorkLoopParts<Job> {
  /** The next job, undefined where there is none. */
  readonly take: () => Promise<Job | undefined>;
  /** Told again and again while there is no room for another job: one may be made to leave. */
  readonly full?: () => Promise<void>;
  /** Must not reject. */
  readonly work: (job: Job, hand: Hand) => Promise<void>;
  readonly concurrency: number;
  /** How long to wait for the next look where there was no job and nobody called `wake`. */
  readonly pollMs: number;
  readonly onError: (error: Error) => void;
}

/** Each holds the images of a study while it waits. */
const MOST_AHEAD = 1;

/**
 * Takes jobs and works on a bounded number of them at a time, until it is stopped; and on one more, as far as
 * its turn, while one of them is nearly over.
 */
export class WorkLoop<Job> {
  readonly #parts: WorkLoopParts<Job>;
  readonly #turns: Turns;
  readonly #running = new Set<Promise<void>>();
  /** Of those, the ones that are nearly over. */
  readonly #leaving = new Set<Hand>();
  readonly #taking: Promise<void>;
  #isStopping = false;
  readonly #pause = new Pause();

  constructor(parts: WorkLoopParts<Job>) {
    this.#parts = parts;
    this.#turns = new Turns(parts.concurrency);
    this.#taking = this.#take();
  }

  /** Looks for a job now instead of at the next poll. */
  wake(): void {
    this.#pause.wake();
  }

  /** Takes no more jobs; resolves when those in hand have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.wake();
    await this.#taking;
    await Promise.all(this.#running);
  }

  async #take(): Promise<void> {
    const { take, full, onError } = this.#parts;
    while (!this.#isStopping) {
      this.#pause.begin();
      const looking = this.#hasRoom ? take() : full?.().then(() => undefined);
      const job = await looking?.catch((error: unknown) => {
        onError(asError(error));
        return undefined;
      });
      if (job === undefined) {
        await this.#pause.wait(this.#parts.pollMs);
        continue;
      }
      const running = this.#work(job).finally(() => {
        this.#running.delete(running);
        this.wake();
      });
      this.#running.add(running);
    }
  }

  get #hasRoom(): boolean {
    return this.#running.size < this.#parts.concurrency + Math.min(this.#leaving.size, MOST_AHEAD);
  }

  async #work(job: Job): Promise<void> {
    let turn: Promise<() => void> | undefined;
    const hand: Hand = {
      takeTurn: async (signal) => {
        turn ??= this.#turns.take(signal);
        await turn;
      },
      nearlyOver: () => {
        this.#leaving.add(hand);
        this.wake();
      },
    };
    try {
      await this.#parts.work(job, hand);
    } finally {
      this.#leaving.delete(hand);
      turn?.then(
        (giveBack) => giveBack(),
        () => undefined,
      );
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
