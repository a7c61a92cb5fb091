import type { PersistentLoad } from '../pickle/pickle-machine.ts';
import { describeValue, isKind } from '../pickle/pickle-value.ts';
import type { PickledStorage } from '../pickle/pickled-tensor.ts';
import { STORAGE_TYPES } from '../pickle/storage-type.ts';

/**
 * Reads torch's persistent ids: ('storage', class, key, device, number of values[, view]). `problemOf` says
 * why a storage isn't in the file as claimed.
 */
export function storageLoader(problemOf: (storage: PickledStorage) => string | undefined): PersistentLoad {
  const storages = new Map<string, PickledStorage>();
  return (id, error) => {
    const [tag, type, key, , length, view] = Array.isArray(id) ? id : [];
    if (tag !== 'storage')
      throw error('CHECKPOINT_REFUSED', `a reference to ${describeValue(tag)}, expected 'storage'`);
    const storageType = isKind(type, 'global') ? STORAGE_TYPES.get(type.name) : undefined;
    if (!storageType)
      throw error(
        'CHECKPOINT_UNREADABLE',
        `a storage of ${describeValue(type)}; expected one of ${[...STORAGE_TYPES.keys()].join(', ')}`,
      );
    if (typeof key !== 'string')
      throw error('CHECKPOINT_UNREADABLE', `a storage named by ${describeValue(key)}`);
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
      throw error('CHECKPOINT_UNREADABLE', `storage '${key}' claims ${describeValue(length)} as its length`);
    if (view !== undefined && view !== null)
      throw error(
        'CHECKPOINT_REFUSED',
        `storage '${key}' is a view of another storage, which only PyTorch 0.1 wrote`,
      );
    const known = storages.get(key);
    if (known) {
      if (known.length === length && known.type === storageType) return known;
      throw error('CHECKPOINT_UNREADABLE', `storage '${key}' is described in two ways`);
    }
    const storage: PickledStorage = { kind: 'storage', key, type: storageType, length };
    const problem = problemOf(storage);
    if (problem) throw error('CHECKPOINT_UNREADABLE', problem);
    storages.set(key, storage);
    return storage;
  };
}

/** What the file must hold for a storage, in words. */
export const claim = ({ key, type, length }: PickledStorage): string =>
  `storage '${key}' claims ${length} values of torch.${type.className} ` +
  `(${length * type.bytesPerValue} bytes)`;
