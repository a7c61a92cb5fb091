import type { StorageType } from './storage-type.ts';

/** The values behind one or several tensors, somewhere in the file. */
export interface PickledStorage {
  readonly kind: 'storage';
  /** Names the storage within its file. */
  readonly key: string;
  readonly type: StorageType;
  /** Number of values. */
  readonly length: number;
}

/** A view of a storage. Offset and strides count values; both fit into the storage. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}
