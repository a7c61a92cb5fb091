import type { SegmentationError, SegmentationErrorCode } from '../../segmentation/segmentation-error.ts';
import { type CallContext, callKnown, isKnownGlobal, pythonName, setState } from './known-globals.ts';
import type { PickleReader } from './pickle-reader.ts';
import { describeValue, isKind, type PickleValue } from './pickle-value.ts';

/** Makes a value of a persistent id: torch's storages come so. */
export type PersistentLoad = (
  id: PickleValue,
  error: (code: SegmentationErrorCode, message: string) => SegmentationError,
) => PickleValue;

/**
 * What a pickle may make, in units of roughly 50 bytes: a list or a memo entry is 1, a dict 4. A checkpoint
 * of the full-size network takes 20,000; plans of 10,000 cases take 700,000.
 */
const MAX_UNITS = 2_000_000;

/**
 * The stack machine that a pickle is a program for. It can make values of the kinds in PickleValue, and
 * nothing else.
 */
export class PickleMachine {
  readonly reader: PickleReader;
  readonly #persistentLoad: PersistentLoad | undefined;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at which marks stand. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #units = 0;

  constructor(reader: PickleReader, persistentLoad?: PersistentLoad) {
    this.reader = reader;
    this.#persistentLoad = persistentLoad;
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.length > this.#floor() ? this.#stack.pop() : undefined;
    if (value === undefined) throw this.damaged('takes a value off an empty stack');
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.length > this.#floor() ? this.#stack.at(-1) : undefined;
    if (value === undefined) throw this.damaged('uses a value of an empty stack');
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Everything above the topmost mark. */
  popToMark(): PickleValue[] {
    const height = this.#marks.pop();
    if (height === undefined) throw this.damaged('goes back to a mark that was never set');
    return this.#stack.splice(height);
  }

  /** The last `count` values. */
  popSeveral(count: number): PickleValue[] {
    if (this.#stack.length - this.#floor() < count) throw this.damaged('takes a value off an empty stack');
    return this.#stack.splice(this.#stack.length - count);
  }

  memoize(index = this.#memo.size): void {
    this.charge(1);
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.damaged(`recalls value ${index}, which was never kept`);
    this.push(value);
  }

  appendTo(target: PickleValue, items: readonly PickleValue[]): void {
    if (Array.isArray(target)) for (const item of items) target.push(item);
    else throw this.damaged(`appends to ${describeValue(target)}`);
  }

  addTo(target: PickleValue, items: readonly PickleValue[]): void {
    if (!(target instanceof Set)) throw this.damaged(`adds to ${describeValue(target)} as if it were a set`);
    this.charge(items.length);
    for (const item of items) target.add(item);
  }

  setItems(target: PickleValue, items: readonly PickleValue[]): void {
    if (!(target instanceof Map)) throw this.damaged(`sets items of ${describeValue(target)}`);
    if (items.length % 2 !== 0) throw this.damaged('sets an item without a value');
    this.charge(items.length / 2);
    for (let i = 0; i < items.length; i += 2) target.set(items[i] ?? null, items[i + 1] ?? null);
  }

  /** @throws {SegmentationError} CHECKPOINT_REFUSED: it isn't one of the known ones */
  pushGlobal(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      throw this.damaged('names a class or function by something that is not text');
    const full = pythonName(module, name);
    if (!isKnownGlobal(full))
      throw this.refused(
        `it asks for '${shown(full)}', which no checkpoint of nnU-Net needs. Nothing was executed. ` +
          'Do not load this file with Python; get the model from a source that you trust',
      );
    this.charge(1);
    this.push({ kind: 'global', name: full });
  }

  call(callable: PickleValue, args: PickleValue): void {
    if (!isKind(callable, 'global')) throw this.refused(`it calls ${describeValue(callable)}`);
    if (!Array.isArray(args)) throw this.damaged(`it calls ${callable.name} without a list of arguments`);
    this.charge(4);
    this.push(callKnown(callable.name, args, this.#context));
  }

  build(target: PickleValue, state: PickleValue): void {
    setState(target, state, this.#context);
  }

  loadPersistent(id: PickleValue): void {
    if (!this.#persistentLoad) throw this.refused('it refers to something outside the file');
    this.charge(4);
    this.push(this.#persistentLoad(id, (code, message) => this.reader.error(code, message)));
  }

  /** @throws {SegmentationError} CHECKPOINT_REFUSED: more than a checkpoint can need */
  charge(units: number): void {
    this.#units += units;
    if (this.#units > MAX_UNITS)
      throw this.refused(
        'it makes more objects than any checkpoint or plans have; it may be made to exhaust memory',
      );
  }

  refused(message: string): SegmentationError {
    return this.reader.error('CHECKPOINT_REFUSED', message);
  }

  damaged(message: string): SegmentationError {
    return this.reader.error(
      'CHECKPOINT_UNREADABLE',
      `no valid pickle: ${message}. The file is damaged; copy it anew`,
    );
  }

  readonly #context: CallContext = {
    refuse: (message) => this.refused(message),
    charge: (units) => this.charge(units),
  };

  /** Values below the topmost mark are out of reach. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }
}

/** Names come from the file, so control characters are removed and long names cut. */
const shown = (name: string): string => name.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
