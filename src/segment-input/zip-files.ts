import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../coded-error.ts';
import type { FileSource } from './file-source.ts';
import { InputError } from './input-error.ts';

/** A study has some ten thousand images; more is no study. */
const MOST_ENTRIES = 100_000;
/** Images shrink to a half or a tenth, blank ones more; one of them is in memory at a time. */
const MOST_BYTES_OF_ENTRY = 2 ** 31 - 1;
/** All entries together, of the zip's own size; a small zip may hold this much whatever its size. */
const MOST_INFLATION = 50;
const INFLATION_FLOOR_BYTES = 2 ** 30;
const STORED = 0;
const DEFLATED = 8;

/** A zip file that was opened for its entries. */
export interface OpenZip {
  readonly files: readonly FileSource[];
  close(): void;
}

/**
 * The files in a zip file, in all of its folders. Nothing is unpacked to the disk: an entry's name is a name
 * in messages and no path, and an entry is read when it is asked for.
 * @throws InputError INPUT_ZIP for a damaged one, for encryption, and for more than any study holds
 */
export async function openZip(path: string): Promise<OpenZip> {
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true });
  } catch (cause) {
    throw new InputError('INPUT_ZIP', `${path} cannot be read as a zip file: ${messageOf(cause)}`, { cause });
  }
  try {
    const entries = await listEntries(zip, path);
    return { files: entries.map((entry) => fileInZip(zip, entry, path)), close: () => zip.close() };
  } catch (cause) {
    zip.close();
    if (cause instanceof InputError) throw cause;
    throw new InputError('INPUT_ZIP', `${path} cannot be read as a zip file: ${messageOf(cause)}`, { cause });
  }
}

async function listEntries(zip: ZipFile, path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const limit = Math.max(INFLATION_FLOOR_BYTES, MOST_INFLATION * zip.fileSize);
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    total += entry.uncompressedSize;
    const problem = problemOf(entry);
    if (problem !== undefined) throw refusal(path, entry, problem);
    if (total > limit) throw refusal(path, entry, `and those before it become more than ${limit} bytes`);
    if (entries.length >= MOST_ENTRIES) throw refusal(path, entry, `is one of more than ${MOST_ENTRIES}`);
    entries.push(entry);
  }
  return entries;
}

function problemOf(entry: Entry): string | undefined {
  const { compressionMethod, uncompressedSize } = entry;
  if (entry.isEncrypted()) return 'is encrypted: give the files without a password';
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED)
    return `is compressed by method ${compressionMethod}, which is not read`;
  if (uncompressedSize > MOST_BYTES_OF_ENTRY) return `has ${uncompressedSize} bytes: too large for an image`;
  return undefined;
}

const refusal = (path: string, { fileName }: Entry, problem: string, cause?: unknown) =>
  new InputError('INPUT_ZIP', `${path}: ${fileName} ${problem}`, { cause });

function fileInZip(zip: ZipFile, entry: Entry, path: string): FileSource {
  /** Up to so many bytes; what was inflated is counted against what the zip says. */
  async function bytesOf(most: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of await zip.openReadStreamPromise(entry)) {
        if (!(chunk instanceof Uint8Array)) continue;
        chunks.push(chunk);
        length += chunk.length;
        if (length >= most) break;
      }
    } catch (cause) {
      throw refusal(path, entry, `cannot be unpacked: ${messageOf(cause)}`, cause);
    }
    return Buffer.concat(chunks).subarray(0, most);
  }
  return {
    name: `${path}: ${entry.fileName}`,
    path: undefined,
    head: bytesOf,
    read: async () => {
      const bytes = await bytesOf(Number.POSITIVE_INFINITY);
      if (bytes.length === entry.uncompressedSize && crc32(bytes) === entry.crc32) return bytes;
      throw refusal(path, entry, 'is damaged: it is not what its checksum says');
    },
  };
}
