import type { PickleMachine } from './pickle-machine.ts';
import { shortened } from './pickle-reader.ts';
import type { PickleValue } from './pickle-value.ts';

type Work = (machine: PickleMachine) => void;

const code = (character: string): number => character.charCodeAt(0);

/** Opcodes that put a value on the stack, after Python's pickletools. */
const VALUES: readonly (readonly [opcode: number, work: Work])[] = [
  [code('N'), (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [code('I'), (m) => m.push(textNumber(m))], // INT
  [code('L'), (m) => m.push(textNumber(m))], // LONG
  [code('F'), (m) => m.push(textFloat(m))], // FLOAT
  [code('J'), (m) => m.push(m.reader.int32())], // BININT
  [code('K'), (m) => m.push(m.reader.uint8())], // BININT1
  [code('M'), (m) => m.push(m.reader.uint16())], // BININT2
  [code('G'), (m) => m.push(m.reader.float64())], // BINFLOAT
  [0x8a, (m) => m.push(m.reader.long(m.reader.uint8()))], // LONG1
  [0x8b, (m) => m.push(m.reader.long(m.reader.uint32()))], // LONG4
  [code('V'), (m) => m.push(textUnicode(m))], // UNICODE
  [0x8c, (m) => m.push(m.reader.text(m.reader.uint8()))], // SHORT_BINUNICODE
  [code('X'), (m) => m.push(m.reader.text(m.reader.uint32()))], // BINUNICODE
  [0x8d, (m) => m.push(m.reader.text(m.reader.uint64()))], // BINUNICODE8
  [code('C'), (m) => pushBytes(m, m.reader.uint8())], // SHORT_BINBYTES
  [code('B'), (m) => pushBytes(m, m.reader.uint32())], // BINBYTES
  [0x8e, (m) => pushBytes(m, m.reader.uint64())], // BINBYTES8
  [0x96, (m) => pushBytes(m, m.reader.uint64())], // BYTEARRAY8
];

const CONTAINERS: readonly (readonly [opcode: number, work: Work])[] = [
  [code('('), (m) => m.mark()], // MARK
  [code(']'), (m) => pushList(m, [])], // EMPTY_LIST
  [code('l'), (m) => pushList(m, m.popToMark())], // LIST
  [code(')'), (m) => pushList(m, [])], // EMPTY_TUPLE
  [code('t'), (m) => pushList(m, m.popToMark())], // TUPLE
  [0x85, (m) => pushList(m, m.popSeveral(1))], // TUPLE1
  [0x86, (m) => pushList(m, m.popSeveral(2))], // TUPLE2
  [0x87, (m) => pushList(m, m.popSeveral(3))], // TUPLE3
  [code('}'), (m) => pushDict(m, [])], // EMPTY_DICT
  [code('d'), (m) => pushDict(m, m.popToMark())], // DICT
  [0x8f, (m) => pushSet(m, [])], // EMPTY_SET
  [0x91, (m) => pushSet(m, m.popToMark())], // FROZENSET
  [code('a'), (m) => onTop(m, m.popSeveral(1), (target, items) => m.appendTo(target, items))], // APPEND
  [code('e'), (m) => onTop(m, m.popToMark(), (target, items) => m.appendTo(target, items))], // APPENDS
  [code('s'), (m) => onTop(m, m.popSeveral(2), (target, items) => m.setItems(target, items))], // SETITEM
  [code('u'), (m) => onTop(m, m.popToMark(), (target, items) => m.setItems(target, items))], // SETITEMS
  [0x90, (m) => onTop(m, m.popToMark(), (target, items) => m.addTo(target, items))], // ADDITEMS
];

const STACK: readonly (readonly [opcode: number, work: Work])[] = [
  [code('0'), pop], // POP
  [code('1'), (m) => void m.popToMark()], // POP_MARK
  [code('2'), (m) => m.push(m.top())], // DUP
  [code('p'), (m) => m.memoize(memoIndex(m))], // PUT
  [code('q'), (m) => m.memoize(m.reader.uint8())], // BINPUT
  [code('r'), (m) => m.memoize(m.reader.uint32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [code('g'), (m) => m.recall(memoIndex(m))], // GET
  [code('h'), (m) => m.recall(m.reader.uint8())], // BINGET
  [code('j'), (m) => m.recall(m.reader.uint32())], // LONG_BINGET
  [0x80, protocol], // PROTO
  [0x95, (m) => void m.reader.uint64()], // FRAME: only a hint for reading ahead
];

const OBJECTS: readonly (readonly [opcode: number, work: Work])[] = [
  [code('c'), (m) => m.pushGlobal(m.reader.line(), m.reader.line())], // GLOBAL
  [0x93, stackGlobal], // STACK_GLOBAL
  [code('R'), reduce], // REDUCE
  [code('b'), build], // BUILD
  [code('Q'), (m) => m.loadPersistent(m.pop())], // BINPERSID
  [code('i'), instance], // INST
  [code('o'), (m) => notNeeded(m, 'OBJ', m.popToMark()[0])], // OBJ
  [0x81, (m) => notNeeded(m, 'NEWOBJ', m.popSeveral(2)[0])], // NEWOBJ
  [0x92, (m) => notNeeded(m, 'NEWOBJ_EX', m.popSeveral(3)[0])], // NEWOBJ_EX
];

export const OPCODES: ReadonlyMap<number, Work> = new Map([...VALUES, ...CONTAINERS, ...STACK, ...OBJECTS]);

export const STOP = code('.');

/** Of those that Python knows beside: why they are refused. */
export const REFUSED_OPCODES: ReadonlyMap<number, string> = new Map([
  [code('S'), 'STRING: text of Python 2'],
  [code('T'), 'BINSTRING: text of Python 2'],
  [code('U'), 'SHORT_BINSTRING: text of Python 2'],
  [code('P'), 'PERSID: a reference to something outside the file'],
  [0x82, "EXT1: a class by a number of Python's extension registry"],
  [0x83, "EXT2: a class by a number of Python's extension registry"],
  [0x84, "EXT4: a class by a number of Python's extension registry"],
  [0x97, 'NEXT_BUFFER: a buffer outside the file'],
  [0x98, 'READONLY_BUFFER: a buffer outside the file'],
]);

const HIGHEST_PROTOCOL = 5;

function protocol(machine: PickleMachine): void {
  const version = machine.reader.uint8();
  if (version > HIGHEST_PROTOCOL)
    throw machine.damaged(`protocol ${version}; the highest that is known is ${HIGHEST_PROTOCOL}`);
}

function pop(machine: PickleMachine): void {
  machine.pop();
}

function pushBytes(machine: PickleMachine, length: number): void {
  machine.charge(1);
  machine.push(machine.reader.bytes(length));
}

function pushList(machine: PickleMachine, items: PickleValue[]): void {
  machine.charge(1);
  machine.push(items);
}

function pushDict(machine: PickleMachine, items: readonly PickleValue[]): void {
  machine.charge(4);
  const dict = new Map<PickleValue, PickleValue>();
  machine.setItems(dict, items);
  machine.push(dict);
}

function pushSet(machine: PickleMachine, items: readonly PickleValue[]): void {
  machine.charge(4);
  const set = new Set<PickleValue>();
  machine.addTo(set, items);
  machine.push(set);
}

function onTop(
  machine: PickleMachine,
  items: readonly PickleValue[],
  work: (target: PickleValue, items: readonly PickleValue[]) => void,
): void {
  work(machine.top(), items);
}

function stackGlobal(machine: PickleMachine): void {
  const name = machine.pop();
  machine.pushGlobal(machine.pop(), name);
}

function reduce(machine: PickleMachine): void {
  const args = machine.pop();
  machine.call(machine.pop(), args);
}

function build(machine: PickleMachine): void {
  const state = machine.pop();
  machine.build(machine.top(), state);
}

/** Names its class and calls it in one step. */
function instance(machine: PickleMachine): void {
  machine.pushGlobal(machine.reader.line(), machine.reader.line());
  notNeeded(machine, 'INST', machine.pop());
}

function notNeeded(machine: PickleMachine, opcode: string, target: PickleValue | undefined): never {
  const name =
    typeof target === 'object' && target && 'kind' in target && target.kind === 'global' ? target.name : '';
  throw machine.refused(
    `it makes an object ${name ? `of ${name} ` : ''}by ${opcode}, which no checkpoint needs`,
  );
}

/** 77 digits are 256 bits. */
const MAX_DIGITS = 77;

function textNumber(machine: PickleMachine): PickleValue {
  const line = machine.reader.line();
  if (line === '01') return true;
  if (line === '00') return false;
  if (!/^[+-]?\d+L?$/.test(line) || line.length > MAX_DIGITS) throw machine.damaged('a number that is none');
  return shortened(BigInt(line.replace(/L$/, '').replace(/^\+/, '')));
}

const NOT_FINITE: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

function textFloat(machine: PickleMachine): number {
  const line = machine.reader.line();
  if (line in NOT_FINITE) return NOT_FINITE[line] ?? Number.NaN;
  if (!/^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(line)) throw machine.damaged('a number that is none');
  return Number(line);
}

/** Python's raw-unicode-escape. */
function textUnicode(machine: PickleMachine): string {
  return machine.reader.line().replace(ESCAPE, (escape, four, eight) => {
    const point = Number.parseInt(String(four ?? eight), 16);
    return point <= HIGHEST_CODE_POINT ? String.fromCodePoint(point) : escape;
  });
}

const ESCAPE = /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g;
const HIGHEST_CODE_POINT = 0x10ffff;

function memoIndex(machine: PickleMachine): number {
  const line = machine.reader.line();
  if (!/^\d{1,9}$/.test(line)) throw machine.damaged('a memo number that is none');
  return Number(line);
}
