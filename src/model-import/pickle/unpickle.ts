import { OPCODES, REFUSED_OPCODES, STOP } from './opcodes.ts';
import { type PersistentLoad, PickleMachine } from './pickle-machine.ts';
import { PickleReader } from './pickle-reader.ts';
import type { PickleValue } from './pickle-value.ts';

/**
 * Plans of thousands of cases take 2 MB. Together with the machine's own limit this bounds the memory taken.
 */
export const MAX_PICKLE_BYTES = 16 * 2 ** 20;

export interface UnpickleOptions {
  /** Names the pickle in messages. */
  readonly subject: string;
  readonly start?: number;
  readonly persistentLoad?: PersistentLoad;
}

/**
 * Reads one pickle (protocols 0 to 5). Python's unpickler imports and calls what the file names; this one
 * knows the few classes and functions that nnU-Net's files name, and makes plain values of them.
 *
 * @returns the value, and the position after the pickle's end
 * @throws {SegmentationError} CHECKPOINT_REFUSED: it names anything else, or makes too much;
 *   CHECKPOINT_UNREADABLE: it is damaged or truncated
 */
export function unpickle(
  bytes: Uint8Array,
  { subject, start = 0, persistentLoad }: UnpickleOptions,
): { readonly value: PickleValue; readonly end: number } {
  const reader = new PickleReader(bytes, subject, start);
  const machine = new PickleMachine(reader, persistentLoad);
  for (;;) {
    const opcode = reader.opcode();
    if (opcode === STOP) return { value: machine.pop(), end: reader.position };
    const work = OPCODES.get(opcode);
    if (!work) throw unknownOpcode(machine, opcode);
    work(machine);
  }
}

function unknownOpcode(machine: PickleMachine, opcode: number): Error {
  const known = REFUSED_OPCODES.get(opcode);
  if (known) return machine.refused(`${known}, which no checkpoint of nnU-Net has`);
  return machine.damaged(`0x${opcode.toString(16).padStart(2, '0')} is no instruction`);
}
