import type { NetworkWeights } from '../../segmentation/network-weights.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { describeValue, isKind, type PickleValue } from '../pickle/pickle-value.ts';
import type { PickledTensor } from '../pickle/pickled-tensor.ts';
import { entryOf } from '../pickle/to-plain.ts';
import { RandomAccessFile } from '../random-access-file.ts';
import { LEGACY_START, openLegacyCheckpoint } from './legacy-file.ts';
import { readTensor } from './read-tensor.ts';
import type { TorchFile } from './torch-file.ts';
import { openZipCheckpoint } from './zip-file.ts';

/** The weights of a checkpoint file, read from it as they are asked for. Close it when done. */
export interface CheckpointWeights extends NetworkWeights {
  /** Epochs of training, where the file says so. */
  readonly epoch: number | undefined;
  close(): Promise<void>;
}

/**
 * Opens a checkpoint that nnU-Net v1 wrote by torch.save, in either of torch's formats. Momentum and whatever
 * else training needs is left alone.
 *
 * @throws {SegmentationError} CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED
 */
export async function openCheckpoint(path: string): Promise<CheckpointWeights> {
  const file = await openTorchFile(path);
  try {
    const tensors = stateDict(file.root, path);
    const epoch = entryOf(file.root, 'epoch');
    return {
      ...weightsOf(file, path, tensors),
      epoch: typeof epoch === 'number' ? epoch : undefined,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Parameters by their names, read as they are asked for. */
export const weightsOf = (
  file: TorchFile,
  path: string,
  tensors: ReadonlyMap<string, PickledTensor>,
): NetworkWeights => ({
  shapes: new Map(Array.from(tensors, ([name, { shape }]) => [name, shape] as const)),
  read: async (name) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new SegmentationError('CHECKPOINT_ARCHITECTURE', `${path} has no parameter '${name}'`);
    return readTensor(file, name, tensor);
  },
});

/** @throws {SegmentationError} CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED */
export async function openTorchFile(path: string): Promise<TorchFile> {
  const file = await RandomAccessFile.open(path, 'CHECKPOINT_UNREADABLE');
  const head = Buffer.from(await file.head(KIND_BYTES));
  if (head.subarray(0, ZIP_START.length).equals(ZIP_START)) return openZipCheckpoint(file);
  if (head.subarray(0, LEGACY_START.length).equals(LEGACY_START)) return openLegacyCheckpoint(file);
  await file.close();
  throw new SegmentationError(
    'CHECKPOINT_UNREADABLE',
    `${path}: expected a checkpoint written by torch.save, found ${describeStart(head)}`,
  );
}

const ZIP_START = Buffer.from([0x50, 0x4b, 0x03, 0x04]);
/** Enough to see a tar header's magic. */
const KIND_BYTES = 512;

/** What people get instead of a checkpoint when a download goes wrong. */
function describeStart(head: Buffer): string {
  const text = head.toString('latin1');
  if (head.length === 0) return 'an empty file';
  if (/^\s*<(!doctype|html)/i.test(text)) return 'a web page: the download did not deliver the file itself';
  if (text.startsWith('version https://git-lfs'))
    return 'a Git LFS pointer: fetch the file itself with git lfs pull';
  if (text.slice(257, 262) === 'ustar') return 'a tar archive: unpack it first';
  return `bytes ${head.subarray(0, 8).toString('hex')}, which neither of its formats starts with`;
}

/** DataParallel puts this before every name. */
const PARALLEL_PREFIX = 'module.';

function stateDict(root: PickleValue, path: string): Map<string, PickledTensor> {
  const wrong = (message: string) => new SegmentationError('CHECKPOINT_UNREADABLE', `${path}: ${message}`);
  const state = entryOf(root, 'state_dict');
  if (!(state instanceof Map)) {
    if (entryOf(root, 'network_weights'))
      throw wrong('this is a checkpoint of nnU-Net v2; expected one of nnU-Net v1');
    throw wrong(`expected a dict with 'state_dict', as nnU-Net v1 writes it; found ${keysOf(root)}`);
  }
  const tensors = new Map<string, PickledTensor>();
  for (const [key, tensor] of tensorsOf(state, 'state_dict', path)) {
    const name = key.startsWith(PARALLEL_PREFIX) ? key.slice(PARALLEL_PREFIX.length) : key;
    if (tensors.has(name)) throw wrong(`its state_dict has '${name}' with and without '${PARALLEL_PREFIX}'`);
    tensors.set(name, tensor);
  }
  return tensors;
}

/** @throws {SegmentationError} CHECKPOINT_UNREADABLE: the dict holds something else */
export function* tensorsOf(
  state: ReadonlyMap<PickleValue, PickleValue>,
  called: string,
  path: string,
): Generator<readonly [string, PickledTensor]> {
  const wrong = (message: string) => new SegmentationError('CHECKPOINT_UNREADABLE', `${path}: ${message}`);
  for (const [key, tensor] of state) {
    if (typeof key !== 'string') throw wrong(`its ${called} names a parameter by ${describeValue(key)}`);
    if (!isKind(tensor, 'tensor'))
      throw wrong(`its ${called} has ${describeValue(tensor)} as '${key}'; expected a tensor`);
    yield [key, tensor];
  }
}

export function keysOf(root: PickleValue): string {
  if (!(root instanceof Map)) return describeValue(root);
  const keys = [...root.keys()].filter((key) => typeof key === 'string').slice(0, 5);
  return `a dict with ${keys.map((key) => `'${key}'`).join(', ') || 'no names'}`;
}
