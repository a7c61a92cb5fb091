import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/** Most slices fit into one. */
const FIRST_BLOCK_BYTES = 2 ** 20;
/** Copied at a time: takes a few milliseconds. */
const LARGEST_BLOCK_BYTES = 8 * 2 ** 20;

/**
 * Bytes that come in pieces and are wanted as one. Pieces are copied into blocks as they come, so that what
 * they lay in is not held; and each block is let go as soon as it is copied into the whole: at no time is
 * there much more in memory than came.
 */
export class GatheredBytes {
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  /** Free bytes of the last block. */
  #free = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const block = this.#openBlock();
      const some = piece.subarray(at, at + this.#free);
      block.set(some, block.length - this.#free);
      this.#free -= some.length;
      this.#size += some.length;
      at += some.length;
    }
  }

  /** A view of the first bytes, as far as they lie together. */
  beginning(bytes: number): Uint8Array {
    return this.#blocks[0]?.subarray(0, Math.min(bytes, this.#size)) ?? new Uint8Array();
  }

  /** All of it, in memory of its own, in turns of the event loop; nothing is left here. */
  async take(): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new Uint8Array(this.#size);
    const blocks = this.#blocks.splice(0);
    let at = 0;
    for (const block of blocks) {
      const used = block.subarray(0, whole.length - at);
      whole.set(used, at);
      at += used.length;
      // Garbage would be collected some time later.
      block.buffer.transfer(0);
      if (block.length === LARGEST_BLOCK_BYTES) await turnOfTheLoop();
    }
    this.#free = 0;
    this.#size = 0;
    return whole;
  }

  #openBlock(): Uint8Array<ArrayBuffer> {
    const last = this.#blocks.at(-1);
    if (last && this.#free > 0) return last;
    const bytes = Math.min(LARGEST_BLOCK_BYTES, Math.max(FIRST_BLOCK_BYTES, this.#size));
    const block = new Uint8Array(bytes);
    this.#blocks.push(block);
    this.#free = bytes;
    return block;
  }
}
