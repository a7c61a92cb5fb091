/**
 * Hands values from who makes them to who takes them; who makes them waits while so many are not taken yet.
 */
export class Channel<T> {
  readonly #most: number;
  readonly #values: T[] = [];
  #ended: { readonly error?: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves once there is room for more: false where nobody takes it any more. */
  async put(value: T): Promise<boolean> {
    if (this.#ended) return false;
    this.#values.push(value);
    this.#tell();
    while (this.#values.length >= this.#most && !this.#ended) await this.#changed.promise;
    return !this.#ended;
  }

  /** What was put before is still taken; @param error that who takes them gets behind the last one */
  end(error?: unknown): void {
    this.#ended ??= error === undefined ? {} : { error };
    this.#tell();
  }

  async *taken(): AsyncGenerator<T> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) {
        this.#tell();
        yield value;
      } else if (this.#ended) {
        if ('error' in this.#ended) throw this.#ended.error;
        return;
      } else await this.#changed.promise;
    }
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
