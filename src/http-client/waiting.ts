import { ConnectionError } from './errors.ts';

export interface TimeLimits {
  /** Longest time without a byte to or from the server, in ms. */
  readonly idleMs: number;
  /** Longest time of all waiting for the server, in ms: an answer that trickles for ever ends as well. */
  readonly totalMs: number;
}

/**
 * Least of an answer that comes in the longest time without a byte, once it has begun: one that trickles
 * would keep whoever waits for it from all other work.
 */
const LEAST_BYTES = 16_384;

/**
 * How long an exchange waits for the server. What its caller does between pieces of the answer does not
 * count. Two timers for all pieces, as there are thousands a second.
 */
export class Waiting {
  readonly #limits: TimeLimits;
  readonly #expired: (error: ConnectionError) => void;
  readonly #idle: NodeJS.Timeout;
  #total: NodeJS.Timeout;
  #waitedMs = 0;
  #since: number | undefined;
  /** What came since when: `waitedMs` at that time. */
  #came: { bytes: number; sinceMs: number } | undefined;

  /** @param expired told once a limit is over */
  constructor(limits: TimeLimits, expired: (error: ConnectionError) => void) {
    this.#limits = limits;
    this.#expired = expired;
    this.#idle = setTimeout(() => {
      if (this.#since !== undefined) this.#expire(`no data within ${limits.idleMs / 1000} s`);
    }, limits.idleMs);
    this.#total = this.#totalTimer(limits.totalMs);
  }

  /** All time of watched promises, in ms. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#since === undefined ? 0 : performance.now() - this.#since);
  }

  async watch<T>(promise: Promise<T>): Promise<T> {
    this.#idle.refresh();
    this.#since = performance.now();
    try {
      return await promise;
    } finally {
      this.#waitedMs = this.waitedMs;
      this.#since = undefined;
    }
  }

  /** Something came, or went out. */
  progress(): void {
    this.#idle.refresh();
  }

  /** A piece of the answer came. */
  came(bytes: number): void {
    this.#came ??= { bytes: 0, sinceMs: this.waitedMs };
    this.#came.bytes += bytes;
    const ms = this.waitedMs - this.#came.sinceMs;
    if (ms < this.#limits.idleMs) return;
    if (this.#came.bytes < LEAST_BYTES) {
      this.#expire(`too slow: ${this.#came.bytes} bytes in ${(ms / 1000).toFixed(1)} s`);
    }
    this.#came = { bytes: 0, sinceMs: this.waitedMs };
  }

  stop(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#total);
  }

  /** Runs on through the caller's own time, and then once more for what is left. */
  #totalTimer(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const left = this.#limits.totalMs - this.waitedMs;
      if (left > 0) this.#total = this.#totalTimer(Math.ceil(left));
      else this.#expire(`not done within ${this.#limits.totalMs / 1000} s`);
    }, ms);
  }

  #expire(message: string): void {
    this.stop();
    this.#expired(new ConnectionError(message));
  }
}
