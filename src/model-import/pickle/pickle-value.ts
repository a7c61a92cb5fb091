import type { PickledStorage, PickledTensor } from './pickled-tensor.ts';

/** A class or function that a pickle names. It is never imported, let alone called. */
interface PickleGlobal {
  readonly kind: 'global';
  /** module.name */
  readonly name: string;
}

/** numpy.dtype: kind and bytes per item, as in f8, i4, b1. The byte order comes with its state. */
export interface NumpyDtype {
  readonly kind: 'dtype';
  readonly code: string;
  littleEndian: boolean;
  /** Of text (U, S), where `code` may leave it at 0. */
  itemSize: number;
}

/** numpy.ndarray: made empty, filled by its state, as numpy's own unpickling does it. */
export interface NumpyArray {
  readonly kind: 'ndarray';
  shape: readonly number[];
  dtype: NumpyDtype | undefined;
  fortranOrder: boolean;
  /** Raw items; a list for arrays of objects. */
  data: Uint8Array | readonly PickleValue[];
}

/**
 * What a pickle can hold here. Lists and tuples are arrays, dict and OrderedDict are maps; numbers beyond
 * 2^53 are bigint. Parts may be shared and may even contain themselves: walk them with `toPlain`.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleGlobal
  | NumpyDtype
  | NumpyArray
  | PickledStorage
  | PickledTensor;

export type PickledObject = Extract<PickleValue, { readonly kind: string }>;

/** Whether a value is one of the objects with a `kind`, and of that kind. */
export function isKind<K extends PickledObject['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickledObject, { readonly kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/** What a value is, for messages: its type in Python's words. */
export function describeValue(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string')
    return `the text '${value.length > 60 ? `${value.slice(0, 60)}...` : value}'`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return `a list or tuple of ${value.length}`;
  if (value instanceof Map) return 'a dict';
  if (value instanceof Set) return 'a set';
  if (value.kind === 'global') return value.name;
  return { dtype: 'a numpy dtype', ndarray: 'a numpy array', storage: 'a storage', tensor: 'a tensor' }[
    value.kind
  ];
}
