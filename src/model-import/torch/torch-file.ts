import type { PickleValue } from '../pickle/pickle-value.ts';
import type { PickledStorage } from '../pickle/pickled-tensor.ts';

/** A checkpoint's object, and where the values of its tensors are. */
export interface TorchFile {
  readonly root: PickleValue;
  /** Fills `target` with the storage's bytes from `start`. */
  readBytes(storage: PickledStorage, start: number, target: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
