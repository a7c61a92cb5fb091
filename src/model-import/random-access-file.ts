import { type FileHandle, open } from 'node:fs/promises';
import { SegmentationError, type SegmentationErrorCode } from '../segmentation/segmentation-error.ts';

/** A file that is read at any position, so that it never has to be in memory as a whole. */
export class RandomAccessFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  static async open(path: string, code: SegmentationErrorCode): Promise<RandomAccessFile> {
    try {
      const handle = await open(path, 'r');
      const { size } = await handle.stat();
      return new RandomAccessFile(path, size, handle);
    } catch (cause) {
      throw new SegmentationError(code, `${path} cannot be opened`, { cause });
    }
  }

  /** For libraries that read by themselves. It is open until `close`. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /** Fills `target` from `position`. */
  async read(target: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, position + done);
      if (bytesRead === 0)
        throw new SegmentationError(
          'CHECKPOINT_UNREADABLE',
          `${this.path} ends at byte ${position + done}, expected ${target.length - done} more: ` +
            'the file is truncated; copy it anew',
        );
      done += bytesRead;
    }
  }

  /** Up to `length` bytes from the start. */
  async head(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(length, this.size));
    await this.read(bytes, 0);
    return bytes;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
