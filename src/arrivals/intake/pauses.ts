import { growingPauseMs } from '../growing-pause.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** In place of a study's UID: every study. */
const ALL = '';

interface Pause {
  readonly failures: number;
  /** In ms of the monotonic clock. */
  readonly until: number;
}

/** Which studies have to wait after failures, each failure in a row twice as long as the one before. */
export class Pauses {
  readonly #firstMs: number;
  readonly #pauses = new Map<string, Pause>();

  constructor(firstMs: number = FIRST_PAUSE_MS) {
    this.#firstMs = firstMs;
  }

  holds(studyUid: string): boolean {
    const now = performance.now();
    return [ALL, studyUid].some((key) => (this.#pauses.get(key)?.until ?? 0) > now);
  }

  /** Until the next pause ends; undefined where nothing has to wait. */
  msUntilNext(): number | undefined {
    const now = performance.now();
    const left = [...this.#pauses.values()].map(({ until }) => until - now).filter((ms) => ms > 0);
    return left.length === 0 ? undefined : Math.max(1, Math.min(...left));
  }

  /**
   * @param studyUid undefined: the failure concerns every study
   * @param atLeastMs what the archive has asked for
   * @returns whether it is the first failure in a row
   */
  failed(studyUid: string | undefined, atLeastMs: number): boolean {
    const key = studyUid ?? ALL;
    const failures = (this.#pauses.get(key)?.failures ?? 0) + 1;
    const grown = growingPauseMs(failures, { firstMs: this.#firstMs, longestMs: LONGEST_PAUSE_MS });
    const pauseMs = Math.max(atLeastMs, grown * (1 + Math.random() / 2)); // not all nodes at once
    this.#pauses.set(key, { failures, until: performance.now() + pauseMs });
    return failures === 1;
  }

  /** @returns whether every study had to wait before */
  recovered(studyUid: string): boolean {
    this.#pauses.delete(studyUid);
    return this.#pauses.delete(ALL);
  }
}
