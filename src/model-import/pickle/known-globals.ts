import type { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { createDtype, readNumpyItem } from './numpy.ts';
import { describeValue, isKind, type NumpyArray, type NumpyDtype, type PickleValue } from './pickle-value.ts';
import { rebuildTensor } from './rebuild-tensor.ts';
import { STORAGE_TYPES } from './storage-type.ts';

/** What a known function may use: refusals that say where, and an account of what is copied. */
export interface CallContext {
  refuse(message: string): SegmentationError;
  charge(units: number): void;
}

type KnownFunction = (args: readonly PickleValue[], context: CallContext) => PickleValue;

/** A class that is only ever named, as an argument or as part of a storage's id. */
const NAMED_ONLY = undefined;

const NUMPY_CORES = ['numpy.core', 'numpy._core']; // NumPy 2 renamed it

/**
 * Every class and function that nnU-Net's plans and PyTorch's checkpoints name, with what stands in for it
 * here. Nothing else is known; nothing of Python is ever called.
 */
const KNOWN_GLOBALS: ReadonlyMap<string, KnownFunction | typeof NAMED_ONLY> = new Map([
  ['collections.OrderedDict', orderedDict],
  ['builtins.set', makeSet],
  ['builtins.frozenset', makeSet],
  ['builtins.bytes', emptyBytes],
  ['builtins.bytearray', emptyBytes],
  ['_codecs.encode', encode],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', parameter],
  ['torch.Size', (args) => args[0] ?? []],
  ['torch.device', device],
  ...[...STORAGE_TYPES.keys()].map((name) => [name, NAMED_ONLY] as const),
  ['numpy.dtype', dtype],
  ['numpy.ndarray', NAMED_ONLY],
  ...NUMPY_CORES.flatMap((core): [string, KnownFunction][] => [
    [`${core}.multiarray.scalar`, scalar],
    [`${core}.multiarray._reconstruct`, emptyArray],
    [`${core}.numeric._frombuffer`, arrayFromBuffer],
  ]),
]);

/** Protocols below 3 write Python 2's name of `builtins`. */
export const pythonName = (module: string, name: string): string =>
  `${module === '__builtin__' ? 'builtins' : module}.${name}`;

export const isKnownGlobal = (name: string): boolean => KNOWN_GLOBALS.has(name);

/** What calling a known function gives. */
export function callKnown(name: string, args: readonly PickleValue[], context: CallContext): PickleValue {
  const known = KNOWN_GLOBALS.get(name);
  if (!known) throw context.refuse(`${name} is called; checkpoints only ever name it`);
  return known(args, context);
}

/** What an object's state does to it: attributes of dicts (a state dict's _metadata) aren't needed. */
export function setState(target: PickleValue, state: PickleValue, context: CallContext): void {
  if (target instanceof Map) return;
  if (isKind(target, 'dtype')) return setDtypeState(target, state, context);
  if (isKind(target, 'ndarray')) return setArrayState(target, state, context);
  throw context.refuse('a state is set on an object that has none');
}

function orderedDict(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [pairs = []] = args;
  if (!Array.isArray(pairs)) throw context.refuse('collections.OrderedDict is not made of a list');
  context.charge(pairs.length);
  const map = new Map<PickleValue, PickleValue>();
  for (const pair of pairs) {
    if (!Array.isArray(pair)) throw context.refuse('collections.OrderedDict is not made of pairs');
    const [key = null, value = null] = pair;
    map.set(key, value);
  }
  return map;
}

function makeSet(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [items = []] = args;
  if (!Array.isArray(items)) throw context.refuse('a set is not made of a list');
  context.charge(items.length);
  return new Set(items);
}

/** Protocol 2 writes empty bytes so. Called with a number, Python's would allocate as much. */
function emptyBytes(args: readonly PickleValue[], context: CallContext): PickleValue {
  if (args.length > 0) throw context.refuse('bytes are made by a call, which no checkpoint needs');
  return new Uint8Array();
}

/** Bytes, as protocol 2 writes them: text of one character per byte. */
function encode(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [text, encoding] = args;
  if (typeof text !== 'string' || encoding !== 'latin1')
    throw context.refuse('_codecs.encode is called with something other than text and latin1');
  context.charge(text.length);
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function parameter(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [tensor] = args;
  if (!isKind(tensor, 'tensor'))
    throw context.refuse('torch._utils._rebuild_parameter is called without a tensor');
  return tensor;
}

/** Where nnU-Net v2 was trained: its type, such as cuda, and perhaps a number. */
function device(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [type] = args;
  if (typeof type !== 'string' || args.length > 2)
    throw context.refuse('torch.device is called with something other than a type and a number');
  return type;
}

function dtype(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [code] = args;
  const made = typeof code === 'string' ? createDtype(code) : undefined;
  if (!made)
    throw context.refuse(`numpy.dtype of ${describeValue(code)}, which neither plans nor checkpoints hold`);
  return made;
}

/** State: (version, byte order, subdtype, names, fields, item size, alignment, flags). */
function setDtypeState(target: NumpyDtype, state: PickleValue, context: CallContext): void {
  const [, order, subdtype, names, , itemSize] = Array.isArray(state) ? state : [];
  if (typeof order !== 'string' || subdtype !== null || names !== null)
    throw context.refuse('a numpy.dtype with a structure of its own');
  target.littleEndian = order !== '>';
  if (isTextSize(target, itemSize)) target.itemSize = itemSize;
}

/** Text of any length shares a code (U, S); all other sizes are in the code. */
const isTextSize = ({ code }: NumpyDtype, size: PickleValue | undefined): size is number =>
  /^[US]/.test(code) && isLength(size ?? null) && Number(size) % 4 === 0 && Number(size) <= MAX_TEXT_BYTES;

const MAX_TEXT_BYTES = 4096;

function scalar(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [type, bytes] = args;
  const value = isKind(type, 'dtype') && bytes instanceof Uint8Array ? readNumpyItem(type, bytes) : undefined;
  if (value === undefined) throw context.refuse('a numpy scalar whose bytes do not fit its dtype');
  return value;
}

function emptyArray(): NumpyArray {
  return { kind: 'ndarray', shape: [0], dtype: undefined, fortranOrder: false, data: new Uint8Array() };
}

/** State: (version, shape, dtype, Fortran order, items). */
function setArrayState(target: NumpyArray, state: PickleValue, context: CallContext): void {
  const [, shape, type, fortranOrder, data] = Array.isArray(state) ? state : [];
  fillArray(target, { shape, type, fortranOrder: fortranOrder === true, data }, context);
}

/** Protocol 5: (buffer, dtype, shape, order). */
function arrayFromBuffer(args: readonly PickleValue[], context: CallContext): PickleValue {
  const [data, type, shape, order] = args;
  const array = emptyArray();
  fillArray(array, { shape, type, fortranOrder: order === 'F', data }, context);
  return array;
}

interface ArrayParts {
  readonly shape: PickleValue | undefined;
  readonly type: PickleValue | undefined;
  readonly fortranOrder: boolean;
  readonly data: PickleValue | undefined;
}

const MAX_AXES = 8;

function fillArray(
  target: NumpyArray,
  { shape, type, fortranOrder, data }: ArrayParts,
  context: CallContext,
): void {
  const fits =
    Array.isArray(shape) && shape.length <= MAX_AXES && shape.every(isLength) && isKind(type, 'dtype');
  if (!fits || !(data instanceof Uint8Array || Array.isArray(data)))
    throw context.refuse('a numpy array without shape, dtype and items');
  target.shape = shape;
  target.dtype = type;
  target.fortranOrder = fortranOrder;
  target.data = data;
}

const isLength = (value: PickleValue): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
