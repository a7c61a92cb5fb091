import type { NetworkWeights } from '../../segmentation/network-weights.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { describeValue, type PickleValue } from '../pickle/pickle-value.ts';
import type { PickledTensor } from '../pickle/pickled-tensor.ts';
import { entryOf } from '../pickle/to-plain.ts';
import { keysOf, openTorchFile, tensorsOf, weightsOf } from '../torch/open-checkpoint.ts';

/** A checkpoint of nnU-Net v2. Close it when done. */
export interface SecondCheckpoint {
  readonly facts: CheckpointFacts;
  readonly weights: NetworkWeights;
  /** Whether two names stand for the same values. */
  isSame(name: string, other: string): Promise<boolean>;
  close(): Promise<void>;
}

/** What a checkpoint says beside the weights. */
export interface CheckpointFacts {
  /** Class of the trainer, which decides what the network is. */
  readonly trainer: string;
  readonly configuration: string;
  /** Spatial axes of the network's arrays, in the checkpoint's order; none where it has no such key. */
  readonly mirrorAxes: readonly (0 | 1 | 2)[];
  readonly epoch: number | undefined;
}

/** @throws {SegmentationError} CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED, CHECKPOINT_ARCHITECTURE */
export async function openSecondCheckpoint(path: string): Promise<SecondCheckpoint> {
  const file = await openTorchFile(path);
  try {
    const facts = readFacts(file.root, path);
    const tensors = readTensors(file.root, path);
    const weights = weightsOf(file, path, tensors);
    return {
      facts,
      weights,
      isSame: async (name, other) =>
        lieTogether(tensors.get(name), tensors.get(other)) ||
        areEqual(await weights.read(name), await weights.read(other)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What torch.compile and DataParallel put before every name; nnU-Net takes both away before it saves. */
const WRAPPERS = ['_orig_mod.', 'module.'];

function readTensors(root: PickleValue, path: string): Map<string, PickledTensor> {
  const state = entryOf(root, 'network_weights');
  if (!(state instanceof Map)) throw lacks(path, 'network_weights', root);
  const tensors = new Map(tensorsOf(state, 'network_weights', path));
  for (const name of tensors.keys()) {
    const wrapper = WRAPPERS.find((prefix) => name.startsWith(prefix));
    if (wrapper)
      throw new SegmentationError(
        'CHECKPOINT_ARCHITECTURE',
        `${path}: parameters are named with '${wrapper}' in front (${name}), as a network is that was ` +
          'compiled or wrapped when it was saved; nnU-Net saves without, and loads no other names',
      );
  }
  return tensors;
}

function readFacts(root: PickleValue, path: string): CheckpointFacts {
  if (!(root instanceof Map)) throw lacks(path, 'network_weights', root);
  if (!root.has('network_weights') && root.has('state_dict'))
    throw wrong(path, 'this is a checkpoint of nnU-Net v1; expected one of nnU-Net v2');
  const trainer = entryOf(root, 'trainer_name');
  if (typeof trainer !== 'string') throw lacks(path, 'trainer_name', root);
  const init = entryOf(root, 'init_args');
  if (!(init instanceof Map)) throw lacks(path, 'init_args', root);
  const configuration = entryOf(init, 'configuration');
  if (typeof configuration !== 'string')
    throw wrong(path, `its init_args name no configuration, but ${describeValue(configuration)}`);
  const epoch = entryOf(root, 'current_epoch');
  return {
    trainer,
    configuration,
    mirrorAxes: readMirrorAxes(entryOf(root, 'inference_allowed_mirroring_axes'), path),
    epoch: typeof epoch === 'number' ? epoch : undefined,
  };
}

function readMirrorAxes(value: PickleValue | undefined, path: string): CheckpointFacts['mirrorAxes'] {
  if (value === undefined || value === null) return [];
  const axes = Array.isArray(value) ? value.filter((axis) => axis === 0 || axis === 1 || axis === 2) : [];
  if (Array.isArray(value) && axes.length === value.length && new Set(axes).size === axes.length) return axes;
  throw wrong(
    path,
    `inference_allowed_mirroring_axes is ${describeValue(value)}; expected some of the numbers 0, 1 and 2, ` +
      'each once, or None',
  );
}

const wrong = (path: string, message: string): SegmentationError =>
  new SegmentationError('CHECKPOINT_UNREADABLE', `${path}: ${message}`);

const lacks = (path: string, key: string, root: PickleValue): SegmentationError =>
  wrong(path, `expected a dict with '${key}', as nnU-Net v2 writes it; found ${keysOf(root)}`);

function lieTogether(a: PickledTensor | undefined, b: PickledTensor | undefined): boolean {
  if (!a || !b) return false;
  const place = ({ storage, offset, shape, strides }: PickledTensor) =>
    JSON.stringify([storage.key, offset, shape, strides]);
  return place(a) === place(b);
}

const areEqual = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
