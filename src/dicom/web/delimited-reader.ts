/**
 * Reads chunks up to delimiters; holds the chunk at hand, and of the one before no more than a delimiter's
 * length.
 */
export class DelimitedReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  readonly #cutOff: () => Error;

  /** @param cutOff what is thrown where the body ends while more of it is needed */
  constructor(body: AsyncIterable<Uint8Array>, cutOff: () => Error) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#cutOff = cutOff;
  }

  putBack(bytes: Buffer): void {
    this.#held = Buffer.concat([bytes, this.#held]);
  }

  /** What stands before the delimiter, which is consumed when all of it was taken. */
  async *until(delimiter: Buffer): AsyncGenerator<Uint8Array> {
    for (;;) {
      const found = this.#held.indexOf(delimiter);
      if (found >= 0) {
        const content = this.#held.subarray(0, found);
        this.#held = this.#held.subarray(found);
        if (content.length > 0) yield content;
        this.#held = this.#held.subarray(delimiter.length);
        return;
      }
      // The last bytes may be the beginning of a delimiter.
      const safe = Math.max(0, this.#held.length - delimiter.length + 1);
      const content = this.#held.subarray(0, safe);
      this.#held = this.#held.subarray(safe);
      if (content.length > 0) yield content;
      await this.#more();
    }
  }

  /** Whether the next bytes are these; they are consumed then. */
  async startsWith(bytes: Buffer): Promise<boolean> {
    while (this.#held.length < bytes.length) await this.#more();
    if (!this.#held.subarray(0, bytes.length).equals(bytes)) return false;
    this.#held = this.#held.subarray(bytes.length);
    return true;
  }

  /**
   * Whether `mark` stands before the next `end`; nothing is consumed.
   * @param limit bytes that are looked at; a body that ends before counts as its end
   */
  async hasBefore(mark: string, end: string, limit: number): Promise<boolean> {
    for (;;) {
      const at = this.#held.indexOf(end);
      if (at >= 0) return this.#held.subarray(0, at).includes(mark);
      if (this.#held.length > limit) return false;
      await this.#more();
    }
  }

  async skipAll(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  /** Left early, a body is told so. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done) throw this.#cutOff();
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }
}
