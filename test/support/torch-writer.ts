import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import {
  bool,
  dict,
  global,
  int,
  list,
  orderedDict,
  persistent,
  pickled,
  reduce,
  text,
  tuple,
} from './pickle-writer.ts';

/** A tensor as torch pickles it: a view of a storage. */
export interface TensorParts {
  readonly key: string;
  /** Values of the storage. */
  readonly length: number;
  readonly shape: readonly number[];
  /** Class of the storage; FloatStorage unless given. */
  readonly type?: string;
  readonly offset?: number;
  /** C order unless given. */
  readonly strides?: readonly number[];
}

/** The storages of a file, and how a tensor of float32 is added to them. */
export function gatherTensors() {
  const storages: Record<string, StorageBytes> = {};
  const add = (shape: readonly number[], make: () => Float32Array<ArrayBuffer>): Buffer => {
    const key = String(Object.keys(storages).length);
    const length = product(shape);
    storages[key] = { size: 4 * length, make: () => new Uint8Array(make().buffer) };
    return tensor({ key, length, shape });
  };
  return { storages, add };
}

export const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

export function tensor({
  key,
  length,
  shape,
  type = 'FloatStorage',
  offset = 0,
  strides,
}: TensorParts): Buffer {
  const ordered = strides ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return reduce(
    global('torch._utils', '_rebuild_tensor_v2'),
    persistent(tuple(text('storage'), global('torch', type), text(key), text('cpu'), int(length))),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...ordered.map(int)),
    bool(false),
    orderedDict(),
  );
}

/** The bytes of a storage, made when they are written. */
export interface StorageBytes {
  readonly size: number;
  readonly make: () => Uint8Array;
}

export const storageOf = (values: ArrayBufferView<ArrayBuffer>): StorageBytes => ({
  size: values.byteLength,
  make: () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** Writes a zip as torch.save does, one storage after the other. */
export async function writeTorchZip(
  file: string,
  object: Buffer,
  storages: Readonly<Record<string, StorageBytes>>,
  { root = 'archive', compress = false, forceZip64Format = false } = {},
): Promise<void> {
  const zip = new ZipFile();
  zip.addBuffer(pickled(object, 2), `${root}/data.pkl`, { compress, forceZip64Format });
  for (const [key, { size, make }] of Object.entries(storages)) {
    zip.addReadStreamLazy(`${root}/data/${key}`, { size, compress, forceZip64Format }, (callback) =>
      callback(null, Readable.from([make()], { objectMode: false })),
    );
  }
  zip.addBuffer(Buffer.from('3\n'), `${root}/version`, { compress: false });
  zip.end();
  await pipeline(Readable.from(zip.outputStream), createWriteStream(file));
}

const LEGACY_MAGIC = Buffer.from('8a0a6cfc9c46f9206aa85019', 'hex');

/** Writes the stream of pickles that torch.save wrote before version 1.6. */
export async function writeTorchLegacy(
  file: string,
  object: Buffer,
  storages: Readonly<Record<string, StorageBytes & { readonly bytesPerValue?: number }>>,
): Promise<void> {
  const parts = [
    pickled(LEGACY_MAGIC, 2),
    pickled(int(1001), 2),
    pickled(dict({ protocol_version: int(1001), little_endian: bool(true) }), 2),
    pickled(object, 2),
    pickled(list(...Object.keys(storages).map(text)), 2),
  ];
  for (const { size, make, bytesPerValue = 4 } of Object.values(storages)) {
    const count = Buffer.alloc(8);
    count.writeBigInt64LE(BigInt(size / bytesPerValue));
    parts.push(count, Buffer.from(make()));
  }
  await writeFile(file, Buffer.concat(parts));
}
