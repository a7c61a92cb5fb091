/** More addresses at a time share one count. */
const MAX_KEYS = 50_000;
const OTHERS = 'others';

/** How often each key was counted within the current window of time; the next one begins at nothing. */
export class WindowCounts {
  readonly #windowMs: number;
  readonly #counts = new Map<string, number>();
  #ends = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Counts the key. @returns how often it has been counted now */
  add(key: string): number {
    this.#begin();
    const counted = this.#counts.has(key) || this.#counts.size < MAX_KEYS ? key : OTHERS;
    const count = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, count);
    return count;
  }

  takeBack(key: string): void {
    this.#counts.set(key, Math.max(0, this.of(key) - 1));
  }

  of(key: string): number {
    this.#begin();
    return this.#counts.get(key) ?? 0;
  }

  /** Whole seconds until the window ends, at least 1. */
  secondsLeft(): number {
    return Math.max(1, Math.ceil((this.#ends - performance.now()) / 1000));
  }

  #begin(): void {
    const now = performance.now();
    if (now < this.#ends) return;
    this.#counts.clear();
    this.#ends = now + this.#windowMs;
  }
}
