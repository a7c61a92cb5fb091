import { numpyToLists } from './numpy.ts';
import { isKind, type PickleValue } from './pickle-value.ts';

/**
 * Far more than any plans hold. Shared parts count each time: without a limit, a small file could stand for
 * billions.
 */
const MAX_NODES = 100_000;
const MAX_DEPTH = 16;

/**
 * A pickled value as a schema can check it: dicts become objects, sets and numpy arrays become arrays. What
 * has no plain form (tensors, classes, bytes) or lies too deep becomes undefined, as does a value of too many
 * parts.
 */
export function toPlain(value: PickleValue | undefined): unknown {
  let nodes = 0;
  const convert = (part: PickleValue | undefined, depth: number): unknown => {
    nodes++;
    if (depth > MAX_DEPTH || nodes > MAX_NODES) return undefined;
    if (part === null || typeof part !== 'object') return part;
    if (part instanceof Map)
      return Object.fromEntries(
        takeWhileFew(part, ([key, entry]) => [keyText(key), convert(entry, depth + 1)] as const),
      );
    if (Array.isArray(part) || part instanceof Set)
      return takeWhileFew(part, (entry) => convert(entry, depth + 1));
    if (!isKind(part, 'ndarray')) return undefined;
    nodes += part.data.length;
    return nodes > MAX_NODES ? undefined : convert(numpyToLists(part), depth + 1);
  };
  const takeWhileFew = <T, R>(parts: Iterable<T>, work: (part: T) => R): R[] => {
    const made: R[] = [];
    for (const part of parts) {
      if (nodes > MAX_NODES) break;
      made.push(work(part));
    }
    return made;
  };
  const plain = convert(value, 0);
  return nodes > MAX_NODES ? undefined : plain;
}

/**
 * Keys that are neither text nor numbers (tuples of classes, in old plans) aren't looked up: any name will
 * do.
 */
const keyText = (key: PickleValue): string =>
  typeof key === 'string' || typeof key === 'number' ? String(key) : `(${typeof key})`;

/** The entry of a dict; undefined where it has none, or is none. */
export function entryOf(value: PickleValue | undefined, key: string | number): PickleValue | undefined {
  return value instanceof Map ? value.get(key) : undefined;
}
