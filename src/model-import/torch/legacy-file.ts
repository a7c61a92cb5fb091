import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { describeValue } from '../pickle/pickle-value.ts';
import type { PickledStorage } from '../pickle/pickled-tensor.ts';
import { entryOf } from '../pickle/to-plain.ts';
import { MAX_PICKLE_BYTES, unpickle } from '../pickle/unpickle.ts';
import type { RandomAccessFile } from '../random-access-file.ts';
import { claim, storageLoader } from './storage-id.ts';
import type { TorchFile } from './torch-file.ts';

/** The number that legacy files start with, pickled by protocol 2. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
export const LEGACY_START = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc);

/** Each storage comes after its number of values. */
const COUNT_BYTES = 8;

/**
 * torch.save before 1.6: pickles of the magic number, the protocol, the machine, the object and the storages'
 * keys, then the storages in the order of the keys.
 */
export async function openLegacyCheckpoint(file: RandomAccessFile): Promise<TorchFile> {
  try {
    return await readLegacy(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readLegacy(file: RandomAccessFile): Promise<TorchFile> {
  const head = await file.head(MAX_PICKLE_BYTES);
  const referenced = new Map<string, PickledStorage>();
  const persistentLoad = storageLoader((storage) => {
    if (bytesOf(storage) > file.size) return `${claim(storage)}, but the file has ${file.size} bytes`;
    referenced.set(storage.key, storage);
    return undefined;
  });
  let position = 0;
  const next = (part: string) => {
    const { value, end } = unpickle(head, {
      subject: `${file.path} (${part})`,
      start: position,
      persistentLoad,
    });
    position = end;
    return value;
  };
  const magic = next('magic number');
  const protocol = next('protocol');
  const machine = next('machine');
  if (magic !== MAGIC || protocol !== PROTOCOL)
    throw damaged(
      file,
      `expected torch's legacy format, number ${PROTOCOL}; found ${describeValue(protocol)}`,
    );
  if (entryOf(machine, 'little_endian') !== true)
    throw damaged(file, 'its values are big-endian; save it anew on another machine');
  const root = next('object');
  const keys = next('keys of storages');
  const starts = await locateStorages(file, Array.isArray(keys) ? keys : [], referenced, position);
  return {
    root,
    readBytes: (storage, start, target) => file.read(target, (starts.get(storage.key) ?? file.size) + start),
    close: () => file.close(),
  };
}

/** Where the values of each storage start. */
async function locateStorages(
  file: RandomAccessFile,
  keys: readonly unknown[],
  referenced: ReadonlyMap<string, PickledStorage>,
  start: number,
): Promise<Map<string, number>> {
  const starts = new Map<string, number>();
  const count = new Uint8Array(COUNT_BYTES);
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? referenced.get(key) : undefined;
    if (!storage || starts.has(storage.key))
      throw damaged(
        file,
        `its list of storages has '${String(key).slice(0, 40)}', which no tensor uses, or has it twice`,
      );
    if (position + COUNT_BYTES + bytesOf(storage) > file.size)
      throw damaged(
        file,
        `${claim(storage)} from byte ${position}, but the file ends at byte ${file.size}: it is ` +
          'truncated; copy it anew',
      );
    await file.read(count, position);
    const found = new DataView(count.buffer).getBigInt64(0, true);
    if (found !== BigInt(storage.length))
      throw damaged(file, `${claim(storage)}, but ${found} values are announced at byte ${position}`);
    starts.set(storage.key, position + COUNT_BYTES);
    position += COUNT_BYTES + bytesOf(storage);
  }
  const absent = [...referenced.values()].find(({ key }) => !starts.has(key));
  if (absent) throw damaged(file, `${claim(absent)}, but it is not in the list of storages`);
  return starts;
}

const bytesOf = ({ length, type }: PickledStorage): number => length * type.bytesPerValue;

const damaged = (file: RandomAccessFile, message: string): SegmentationError =>
  new SegmentationError('CHECKPOINT_UNREADABLE', `${file.path}: ${message}`);
