import type { Socket } from 'node:net';
import { messageOf } from '../../../coded-error.ts';

/** The connection ended, or stood still for too long. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

export interface WireOptions {
  /** Longest time without a byte to or from the other side, in ms. */
  readonly idleMs: number;
  /** When something else last showed that the other side is at work (performance.now()). */
  readonly lastSign?: (() => number) | undefined;
}

/** What has begun to come comes at this rate or faster (1 kB/s), beyond one `idleMs`: any line does. */
const LEAST_BYTES_PER_MS = 1;

/**
 * Bytes to and from a socket, read when they are wanted: who sends waits as long as nobody reads. The time
 * that the reader takes for itself is not counted as the other side's.
 */
export class Wire {
  readonly #socket: Socket;
  readonly #options: WireOptions;
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #failure: unknown;
  /** Of what is coming just now: its bytes, and how long they were waited for. */
  #coming: { bytes: number; waitedMs: number } | undefined;

  constructor(socket: Socket, options: WireOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    this.#chunks = socket.iterator({ destroyOnReturn: false });
  }

  /** So many bytes. @throws ConnectionLost where fewer come */
  async exactly(length: number): Promise<Buffer> {
    if (this.#chunk.length >= length) return this.#taken(length);
    const parts: Buffer[] = [];
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** At least one byte and at most so many. @throws ConnectionLost where none comes */
  async some(most: number): Promise<Buffer> {
    if (this.#chunk.length === 0) this.#chunk = await this.#next();
    return this.#taken(Math.min(most, this.#chunk.length));
  }

  /** A piece begins to come, whose bytes may no longer trickle; where one has begun, it goes on. */
  begin(): void {
    this.#coming ??= { bytes: 0, waitedMs: 0 };
  }

  /** It is there: until the next one begins, the other side may take its time. */
  rest(): void {
    this.#coming = undefined;
  }

  /** Resolves when there is room for more. @throws ConnectionLost */
  async write(...pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableEnded) throw this.#lost();
    this.#socket.cork();
    let hasRoom = true;
    for (const piece of pieces) hasRoom = this.#socket.write(piece);
    this.#socket.uncork();
    if (!hasRoom) await this.#drained();
  }

  /** Lets what was written go out, and closes. */
  end(): void {
    this.#socket.end();
    this.#socket.resume();
    if (this.#socket.closed) return;
    // Not the socket's own limit: one that goes on sending is never idle.
    const late = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(late));
  }

  destroy(why?: unknown): void {
    this.#failure ??= why;
    this.#socket.destroy();
  }

  #taken(length: number): Buffer {
    const taken = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return taken;
  }

  async #next(): Promise<Buffer> {
    const coming = this.#coming;
    const began = performance.now();
    try {
      const next = await this.#inTime(this.#chunks.next(), coming && this.#leftMs(coming));
      if (!next.done) {
        if (coming) coming.bytes += next.value.length;
        return next.value;
      }
    } catch (error) {
      this.#failure ??= error;
    } finally {
      if (coming) coming.waitedMs += performance.now() - began;
    }
    throw this.#lost();
  }

  #leftMs({ bytes, waitedMs }: { bytes: number; waitedMs: number }): number {
    return Math.max(0, this.#options.idleMs + bytes / LEAST_BYTES_PER_MS - waitedMs);
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve).once('close', resolve);
    try {
      await this.#inTime(promise);
    } finally {
      this.#socket.removeListener('drain', resolve).removeListener('close', resolve);
    }
    if (this.#socket.destroyed) throw this.#lost();
  }

  async #inTime<T>(waiting: Promise<T>, mostMs = Number.POSITIVE_INFINITY): Promise<T> {
    const { idleMs, lastSign } = this.#options;
    const began = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      const now = performance.now();
      const left = Math.max(began, lastSign?.() ?? began) + idleMs - now;
      const leftInAll = began + mostMs - now;
      if (left <= 0) this.destroy(new ConnectionLost(`nothing came for ${idleMs / 1000} s`));
      else if (leftInAll <= 0) this.destroy(new ConnectionLost('what comes trickles: less than 1 kB/s'));
      else timer = setTimeout(look, Math.min(left, leftInAll));
    };
    timer = setTimeout(look, Math.min(idleMs, mostMs));
    try {
      return await waiting;
    } finally {
      clearTimeout(timer);
    }
  }

  #lost(): unknown {
    const failure = this.#failure;
    // What this side gave up keeps its own reason, and so does an aborted signal.
    if (failure instanceof ConnectionLost || failure instanceof DOMException) return failure;
    const why = failure === undefined ? 'the connection was closed' : messageOf(failure);
    return new ConnectionLost(why, { cause: failure });
  }
}

/** How long the other side may take to close its end. */
const LINGER_MS = 2_000;
