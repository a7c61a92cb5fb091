import type { Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

/** Bytes that wait for the disk before the sender has to wait too. */
const WAITING_LIMIT_BYTES = 256 * 1024;

/**
 * The data set of one C-STORE request on its way from the network to the disk. dcmjs-dimse writes fragments
 * into it without looking whether it is full, and mixes messages up where it is made to wait. So this stream
 * always says that there is room; the owner of the socket pauses the socket while `isBehind` holds, and this
 * class resumes it.
 */
export class IncomingDataSet extends Transform {
  readonly #socket: Socket;
  readonly #onProgress: () => void;

  constructor(socket: Socket, onProgress: () => void) {
    super({ writableHighWaterMark: Number.MAX_SAFE_INTEGER });
    this.#socket = socket;
    this.#onProgress = onProgress;
    this.once('close', () => socket.resume());
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#onProgress();
    done(null, chunk);
    if (!this.isBehind && this.#socket.isPaused()) this.#socket.resume();
  }

  /** Whether so much waits that the sender should wait. */
  get isBehind(): boolean {
    return this.writableLength > WAITING_LIMIT_BYTES;
  }

  /**
   * The file meta information, then the data set. Where the caller stops early, the rest is read and thrown
   * away.
   */
  async *behind(head: Uint8Array): AsyncGenerator<Uint8Array> {
    try {
      yield head;
      for await (const chunk of this.iterator({ destroyOnReturn: false })) yield chunk;
    } finally {
      this.resume();
    }
  }
}
