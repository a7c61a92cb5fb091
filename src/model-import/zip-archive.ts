import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../coded-error.ts';
import { SegmentationError, type SegmentationErrorCode } from '../segmentation/segmentation-error.ts';
import { RandomAccessFile } from './random-access-file.ts';

const STORED = 0;
const DEFLATED = 8;

/** A checkpoint has one entry per tensor: some 500. Archives of many tasks have a few thousand. */
const MAX_ENTRIES = 100_000;

/** Weights hardly shrink at all; plans shrink to a tenth. Deflate reaches 1000, which only zip bombs use. */
const MAX_RATIO = 100;
/** Below, any ratio does no harm. */
const HARMLESS_BYTES = 2 ** 20;

/** torch stores its tensors as they are; where an archiver deflated them, one is inflated as a whole. */
const MAX_INFLATED_BYTES = 2 ** 30;

const FILE_TYPE = 0xf000;
const SYMBOLIC_LINK = 0xa000;

/**
 * A zip file. Sizes and places come from the central directory, since torch leaves them out of the local
 * headers. Refuses names that lead outside, links, encryption, and entries that expand beyond measure.
 *
 * @throws {SegmentationError} of the code given to `open`
 */
export class ZipArchive {
  readonly file: RandomAccessFile;
  /** By name; folders are left out. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly #zip: ZipFile;
  readonly #code: SegmentationErrorCode;

  private constructor(
    file: RandomAccessFile,
    zip: ZipFile,
    entries: ReadonlyMap<string, Entry>,
    code: SegmentationErrorCode,
  ) {
    this.file = file;
    this.entries = entries;
    this.#zip = zip;
    this.#code = code;
  }

  /** Closes `file` where it isn't a good zip; afterwards `close` does. */
  static async open(file: RandomAccessFile, code: SegmentationErrorCode): Promise<ZipArchive> {
    try {
      const zip = await fromFdPromise(file.descriptor, { autoClose: false, lazyEntries: true });
      return new ZipArchive(file, zip, await listEntries(file, zip, code), code);
    } catch (cause) {
      await file.close();
      if (cause instanceof SegmentationError) throw cause;
      throw new SegmentationError(
        code,
        `${file.path} starts like a zip file but is no good one (${messageOf(cause)}): it is truncated or ` +
          'damaged; copy it anew',
        { cause },
      );
    }
  }

  /** A whole entry, checked against its CRC. */
  async read(entry: Entry, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    if (entry.uncompressedSize > maxBytes)
      throw this.#error(entry, `claims ${entry.uncompressedSize} bytes; expected at most ${maxBytes}`);
    const bytes = new Uint8Array(entry.uncompressedSize);
    await this.#failing(entry, async () => {
      let position = 0;
      for await (const chunk of await this.#zip.openReadStreamPromise(entry)) {
        if (!(chunk instanceof Uint8Array)) continue;
        bytes.set(chunk, position);
        position += chunk.length;
      }
      if (position < bytes.length) throw new Error(`ends after ${position} of ${bytes.length} bytes`);
    });
    this.#checkCrc(entry, crc32(bytes));
    return bytes;
  }

  /** Part of an entry; where it is all of it, its CRC is checked. */
  async readPart(entry: Entry, start: number, target: Uint8Array): Promise<void> {
    if (entry.compressionMethod !== STORED) {
      const whole = await this.read(entry, MAX_INFLATED_BYTES);
      target.set(whole.subarray(start, start + target.length));
      return;
    }
    const { fileDataStart } = await this.#failing(entry, () =>
      this.#zip.readLocalFileHeaderPromise(entry, { minimal: true }),
    );
    await this.file.read(target, fileDataStart + start);
    if (target.length === entry.uncompressedSize) this.#checkCrc(entry, crc32(target));
  }

  /** Writes an entry to a new file of that path, and checks its CRC. */
  async extract(
    entry: Entry,
    path: string,
    { onBytes, signal }: { onBytes?: (count: number) => void; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    let crc = 0;
    await this.#failing(entry, async () => {
      const input: Readable = await this.#zip.openReadStreamPromise(entry);
      const checked = async function* (source: AsyncIterable<unknown>) {
        for await (const chunk of source) {
          if (!(chunk instanceof Uint8Array)) continue;
          crc = crc32(chunk, crc);
          onBytes?.(chunk.length);
          yield chunk;
        }
      };
      const output = createWriteStream(path, { flags: 'wx' });
      await pipeline(input, checked, output, signal ? { signal } : {});
    });
    this.#checkCrc(entry, crc);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  /** A CRC of 0 is torch's way of leaving it out. */
  #checkCrc(entry: Entry, found: number): void {
    if (entry.crc32 !== 0 && found !== entry.crc32)
      throw this.#error(
        entry,
        `has CRC ${hex(found)}, its directory says ${hex(entry.crc32)}: the file is damaged; copy it anew`,
      );
  }

  async #failing<T>(entry: Entry, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof SegmentationError || (cause instanceof Error && cause.name === 'AbortError'))
        throw cause;
      throw this.#error(entry, `cannot be unpacked (${messageOf(cause)})`, cause);
    }
  }

  #error(entry: Entry, message: string, cause?: unknown): SegmentationError {
    return new SegmentationError(this.#code, `${this.file.path}: entry '${entry.fileName}' ${message}`, {
      cause,
    });
  }
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');

async function listEntries(
  file: RandomAccessFile,
  zip: ZipFile,
  code: SegmentationErrorCode,
): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    const problem = problemOf(entry, file.size, entries);
    if (problem) throw new SegmentationError(code, `${file.path}: entry '${entry.fileName}' ${problem}`);
    entries.set(entry.fileName, entry);
  }
  return entries;
}

function problemOf(entry: Entry, fileSize: number, earlier: ReadonlyMap<string, Entry>): string | undefined {
  const { fileName, compressionMethod, compressedSize, uncompressedSize } = entry;
  if (earlier.has(fileName)) return 'is there twice: it is unclear which one counts';
  if (earlier.size >= MAX_ENTRIES) return `is one of more than ${MAX_ENTRIES}; expected a trained model`;
  if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMBOLIC_LINK)
    return 'is a symbolic link; put the file itself into the archive';
  if (entry.isEncrypted()) return 'is encrypted; expected an archive without a password';
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED)
    return `is compressed by method ${compressionMethod}; expected stored or deflated`;
  if (compressedSize > fileSize) return `claims ${compressedSize} bytes in a file of ${fileSize}`;
  if (uncompressedSize > HARMLESS_BYTES && uncompressedSize > compressedSize * MAX_RATIO)
    return (
      `claims to expand from ${compressedSize} to ${uncompressedSize} bytes, which no trained weights do: ` +
      'a zip bomb, or damage'
    );
  return undefined;
}
