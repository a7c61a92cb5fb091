import type { VolumeRecord } from '../../store/records/volume-record.ts';
import type { LoadedImages } from './load-images.ts';

/** Loads that may wait for their turn; with more, people would wait for minutes. */
const MOST_WAITING = 8;

/** Too many results are being loaded. */
export class ImagesBusyError extends Error {
  override readonly name = 'ImagesBusyError';
  constructor() {
    super('too many images are being fetched from the archive: try again in a minute');
  }
}

/**
 * Images of the results that were looked at last, up to a number of bytes. Each is fetched once however many
 * ask for it, and one after the other: memory never holds more than the cache and one more.
 */
export class ImageCache {
  readonly #load: (result: VolumeRecord) => Promise<LoadedImages>;
  readonly #mostBytes: number;
  /** By SOP Instance UID of the report; the one used last is the last. */
  readonly #loaded = new Map<string, LoadedImages>();
  readonly #loading = new Map<string, Promise<LoadedImages>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(load: (result: VolumeRecord) => Promise<LoadedImages>, mostBytes: number) {
    this.#load = load;
    this.#mostBytes = mostBytes;
  }

  /** @throws ImagesBusyError; what loading throws */
  async imagesOf(result: VolumeRecord): Promise<LoadedImages> {
    const key = result.report.sopInstanceUid;
    const known = this.#loaded.get(key);
    if (known) {
      this.#loaded.delete(key);
      this.#loaded.set(key, known);
      return known;
    }
    const coming = this.#loading.get(key);
    if (coming) return coming;
    if (this.#loading.size >= MOST_WAITING) throw new ImagesBusyError();
    const loading = this.#last.then(() => this.#load(result));
    this.#last = loading.catch(() => undefined);
    this.#loading.set(key, loading);
    try {
      const images = await loading;
      if (this.#loading.get(key) === loading) this.#keep(key, images);
      return images;
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    }
  }

  /** Drops the images of these results, and those on their way. */
  forget(reports: readonly string[]): void {
    for (const key of reports) {
      this.#loaded.delete(key);
      this.#loading.delete(key);
    }
  }

  #keep(key: string, images: LoadedImages): void {
    this.#loaded.set(key, images);
    let bytes = [...this.#loaded.values()].reduce((sum, one) => sum + bytesOf(one), 0);
    for (const [oldest, one] of this.#loaded) {
      // One that is larger than the cache by itself stays until the next comes.
      if (bytes <= this.#mostBytes || oldest === key) return;
      this.#loaded.delete(oldest);
      bytes -= bytesOf(one);
    }
  }
}

const bytesOf = ({ stored, mask }: LoadedImages): number => stored.byteLength + mask.byteLength;
