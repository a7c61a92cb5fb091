import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../coded-error.ts';
import { NiftiError } from './nifti-error.ts';

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** Deflate makes no more than this of one byte. */
const MOST_INFLATION = 1032;

/** The bytes of a file in order, gunzipped where it is gzipped, whatever its name says. */
export interface ByteReader {
  /** More bytes than this cannot come. */
  readonly mostBytes: number;
  /** Fills the target as far as there are bytes; returns how many came. */
  readInto(target: Uint8Array): Promise<number>;
  /** Passes over bytes, no more than `count`; returns how many there were. */
  skip(count: number): Promise<number>;
}

/**
 * Gives a reader of the file to `use`, and closes the file afterwards.
 * @throws {NiftiError} NIFTI_UNREADABLE, NIFTI_DAMAGED; what `use` throws
 */
export async function withByteReader<T>(file: string, use: (reader: ByteReader) => Promise<T>): Promise<T> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    const start = await handle.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
    const isGzipped = GZIP_MAGIC.every((byte, index) => start.buffer[index] === byte);
    const stored = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 20 });
    const bytes = isGzipped ? gunzipped(stored) : stored;
    try {
      return await use(byteReader(bytes, isGzipped ? MOST_INFLATION * size : size, file));
    } finally {
      bytes.destroy();
      stored.destroy();
    }
  } finally {
    await handle.close();
  }
}

async function openFile(file: string): Promise<FileHandle> {
  const refuse = (why: string, cause?: unknown) =>
    new NiftiError('NIFTI_UNREADABLE', `${file} cannot be read: ${why}`, { cause });
  const handle = await open(file).catch((cause: unknown) => {
    throw refuse(messageOf(cause), cause);
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw refuse('it is not a file');
}

function gunzipped(stored: Readable): Readable {
  // A failure reaches whoever reads from the end of the pipe.
  return pipeline(stored, createGunzip({ chunkSize: 2 ** 18 }), () => {});
}

function byteReader(bytes: Readable, mostBytes: number, file: string): ByteReader {
  const chunks: AsyncIterator<Buffer> = bytes[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  /** Hands on up to `count` bytes, piece by piece. */
  const take = async (count: number, onPiece: (piece: Uint8Array, at: number) => void): Promise<number> => {
    let taken = 0;
    while (taken < count) {
      if (rest.length === 0) {
        const next = await chunks.next().catch((cause: unknown) => {
          const why = messageOf(cause);
          throw new NiftiError('NIFTI_DAMAGED', `${file} is damaged or cut off: ${why}`, { cause });
        });
        if (next.done === true) break;
        rest = next.value;
      }
      const piece = rest.subarray(0, count - taken);
      onPiece(piece, taken);
      taken += piece.length;
      rest = rest.subarray(piece.length);
    }
    return taken;
  };
  return {
    mostBytes,
    readInto: (target) => take(target.length, (piece, at) => target.set(piece, at)),
    skip: (count) => take(count, () => {}),
  };
}
