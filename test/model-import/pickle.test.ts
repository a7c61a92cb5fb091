import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { PickleValue } from '../../src/model-import/pickle/pickle-value.ts';
import { toPlain } from '../../src/model-import/pickle/to-plain.ts';
import { unpickle } from '../../src/model-import/pickle/unpickle.ts';
import {
  build,
  bytes,
  dict,
  global,
  int,
  list,
  numpyArray,
  pickled,
  raw,
  reduce,
  stackGlobal,
  text,
  tuple,
} from '../support/pickle-writer.ts';
import { describeWith, programPath } from '../support/requires.ts';

const load = (pickle: Uint8Array): PickleValue => unpickle(pickle, { subject: 'test.pkl' }).value;
const refusal = (pickle: Uint8Array) => {
  try {
    load(pickle);
  } catch (error) {
    return error;
  }
  return undefined;
};

/** What Python makes, in every protocol: the kinds of values that plans and checkpoints hold. */
const PYTHON = `
import collections, json, pickle, sys
import numpy as np
value = collections.OrderedDict([
  ('int', [0, 1, -1, 255, 65536, -2**31, 2**40, 2**62]), ('float', [0.1, -1e300]), ('bool', [True, False]), ('none', None),
  ('text', 'Pankreas \\u00e4\\u4e2d\\U0001f600\\n'), ('empty', [[], (), {}, '']), ('tuple', (1, (2, (3, (4, 5, 6))))),
  ('dict', {0: 'CT', 1: {'a': 1}}), ('set', {7}),
  ('scalars', [np.float64(1.5), np.float32(0.25), np.int64(-7), np.uint8(200), np.bool_(True), np.str_('ab')]),
  ('arrays', [np.array([2.5, 0.8]), np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)),
              np.array([1, 2], '>i4'), np.zeros((0, 3))]),
])
value['shared'] = [value['tuple'], value['tuple']]
value['long'] = list(range(3000))
def plain(v):
  if isinstance(v, np.ndarray): return v.tolist() if v.size else []
  if isinstance(v, np.generic): return v.item()
  if isinstance(v, dict): return {str(k): plain(x) for k, x in v.items()}
  if isinstance(v, (list, tuple, set)): return [plain(x) for x in v]
  return v
for protocol in range(6):
  print(json.dumps({'plain': plain(value), 'pickle': pickle.dumps(value, protocol).hex()}))
`;

describeWith(['python3'], 'pickles that Python writes', () => {
  test('read alike in all protocols, from 0 to 5', () => {
    const lines = execFileSync(programPath('python3'), ['-c', PYTHON], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      const { plain, pickle }: { plain: Record<string, unknown>; pickle: string } = JSON.parse(line);
      const found = load(Buffer.from(pickle, 'hex'));
      // 2^62 is beyond what a number holds exactly; JSON rounds it, the pickle doesn't.
      const numbers = found instanceof Map ? found.get('int') : undefined;
      expect(Array.isArray(numbers) && numbers.pop()).toBe(2n ** 62n);
      const expected = { ...plain, int: Array.isArray(plain['int']) ? plain['int'].slice(0, -1) : [] };
      expect(toPlain(found)).toEqual(expected);
    }
  });
});

describe('an unknown class or function', () => {
  const SYSTEM = text('touch /tmp/executed');
  test.each<[string, Buffer, string]>([
    ['GLOBAL and REDUCE', reduce(global('os', 'system'), SYSTEM), 'os.system'],
    ['STACK_GLOBAL and REDUCE', reduce(stackGlobal('posix', 'system'), SYSTEM), 'posix.system'],
    ['INST', raw('(', SYSTEM, 'ios\nsystem\n'), 'os.system'],
    ['OBJ', raw('(', global('subprocess', 'Popen'), SYSTEM, 'o'), 'subprocess.Popen'],
    ['NEWOBJ', raw(global('pathlib', 'Path'), tuple(), 0x81), 'pathlib.Path'],
    ['NEWOBJ_EX', raw(stackGlobal('pathlib', 'Path'), tuple(), dict(), 0x92), 'pathlib.Path'],
    ['a name only', global('builtins', 'eval'), 'builtins.eval'],
    ['a name of Python 2', global('__builtin__', 'eval'), 'builtins.eval'],
    [
      'a dotted name',
      stackGlobal('collections', 'OrderedDict.__reduce__'),
      'collections.OrderedDict.__reduce__',
    ],
    ["a name of JavaScript's objects", stackGlobal('constructor', '__proto__'), 'constructor.__proto__'],
    ['a terminal sequence in its name', stackGlobal('os', 'system\u001b[2J'), 'os.system?[2J'],
  ])('is refused by name: %s', (_, pickle, name) => {
    expect(refusal(pickled(pickle))).toMatchObject({
      code: 'CHECKPOINT_REFUSED',
      message: expect.stringMatching(/^test\.pkl, byte \d+: it asks for /),
    });
    expect(String(refusal(pickled(pickle)))).toContain(`'${name}'`);
  });

  test('is refused where nothing ever uses it, and inside what is thrown away', () => {
    expect(refusal(pickled(raw(global('os', 'system'), '0', int(1))))).toMatchObject({
      code: 'CHECKPOINT_REFUSED',
    });
  });
});

describe('a pickle', () => {
  test.each<[string, Buffer, string]>([
    [
      'calls a class that is only ever named',
      reduce(global('torch', 'FloatStorage'), int(1)),
      'torch.FloatStorage',
    ],
    ['calls a value', reduce(text('os.system'), int(1)), "calls the text 'os.system'"],
    ['makes a known class by NEWOBJ', raw(global('collections', 'OrderedDict'), tuple(), 0x81), 'by NEWOBJ'],
    ['makes a known class by INST', raw('(icollections\nOrderedDict\n'), 'by INST'],
    ['makes a known class by OBJ', raw('(', global('collections', 'OrderedDict'), 'o'), 'by OBJ'],
    ['sets the state of a number', build(int(1), dict()), 'state'],
    ['sets the state of a class', build(global('numpy', 'ndarray'), dict()), 'state'],
    ['makes bytes by their number', reduce(global('builtins', 'bytes'), int(2 ** 31 - 1)), 'bytes'],
    ['encodes as anything but latin1', reduce(global('_codecs', 'encode'), text('a'), text('zip')), 'latin1'],
    ['has a structured dtype', reduce(global('numpy', 'dtype'), text('V8')), "numpy.dtype of the text 'V8'"],
    ['uses the extension registry', raw(0x82, 1), 'EXT1'],
    ['uses buffers outside the file', raw(0x97), 'NEXT_BUFFER'],
    ['refers to something outside the file', raw(text('id'), 'Q'), 'outside the file'],
    ['holds text of Python 2', raw('U', 1, 'a'), 'Python 2'],
    [
      'holds a number of a megabyte',
      raw(0x8b, 0, 0, 16, 0, Buffer.alloc(2 ** 20, 255)),
      'number of 1048576 bytes',
    ],
  ])('that %s is refused', (_, pickle, words) => {
    expect(refusal(pickled(pickle))).toMatchObject({ code: 'CHECKPOINT_REFUSED' });
    expect(String(refusal(pickled(pickle)))).toContain(words);
  });

  test.each<[string, Buffer]>([
    ['nothing at all', raw()],
    ['a text of 4 GB', raw('X', 255, 255, 255, 255, 'a')],
    ['bytes of 2^63', raw(0x8e, 255, 255, 255, 255, 255, 255, 255, 127)],
    ['a text of 2^64 - 1', raw(0x8d, 255, 255, 255, 255, 255, 255, 255, 255)],
    ['a number that lacks bytes', raw('J', 1, 2)],
    ['a name without an end', raw('cos')],
  ])('that ends within what it announces is called truncated: %s', (_, pickle) => {
    const cut = pickled(pickle).subarray(0, -1);
    expect(refusal(cut)).toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringContaining('truncated'),
    });
  });

  test.each<[string, Buffer]>([
    ['takes from an empty stack', raw('0')],
    ['takes what lies below a mark', raw(int(1), '(', '0')],
    ['takes three of two', raw(int(1), int(2), 0x87)],
    ['returns to a mark that was never set', raw('t')],
    ['recalls what was never kept', raw('h', 7)],
    ['appends to a number', raw(int(1), int(2), 'a')],
    ['sets an item of a list', raw(list(), int(1), int(2), 's')],
    ['sets an item without a value', raw('}(', int(1), 'u')],
    ['adds to a list as to a set', raw(list(), '(', int(1), 0x90)],
    ['is of a later protocol', raw(0x80, 6)],
    ['has no such instruction', raw(0xff)],
    ['has a number that is none', raw('Iabc\n')],
    ['has a memo number that is none', raw(int(1), 'pabc\n')],
    ['names a class by numbers', raw(int(1), int(2), 0x93)],
  ])('that %s is called damaged', (_, pickle) => {
    expect(refusal(pickled(pickle))).toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringContaining('no valid pickle'),
    });
  });

  test('may share parts and contain itself', () => {
    // memo 0 = []; memo 0 is appended to itself
    const found = load(pickled(raw(']', 0x94, 'h', 0, 'a')));
    expect(Array.isArray(found) && found[0]).toBe(found);
    expect(toPlain(found)).toBeDefined();
  });
});

describe('memory', () => {
  const BYTES = 16 * 2 ** 20;
  /** A loop would be a smaller file; a pickle has none, so each of these is as large as a pickle may be. */
  test.each<[string, () => Buffer]>([
    ['millions of empty dicts', () => Buffer.alloc(BYTES, '}')],
    ['millions of empty sets', () => Buffer.alloc(BYTES, 0x8f)],
    ['millions of empty lists', () => Buffer.alloc(BYTES, ']')],
    ['millions of memo entries', () => raw('N', Buffer.alloc(BYTES, 0x94))],
    [
      'copies of a long text',
      () => copies(text('x'.repeat(2 ** 20)), global('_codecs', 'encode'), text('latin1')),
    ],
    [
      'copies of a long list',
      () => copies(raw('](', Buffer.alloc(2 ** 20, 'N'), 'e'), global('builtins', 'set')),
    ],
  ])('stays bounded for a pickle that makes %s', (_, make) => {
    const pickle = pickled(make());
    const before = process.memoryUsage().rss;
    expect(refusal(pickle)).toMatchObject({
      code: 'CHECKPOINT_REFUSED',
      message: expect.stringContaining('exhaust memory'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * 2 ** 20);
  });

  test('stays bounded for lists that hold the same list over and over, layer upon layer', () => {
    // Each layer holds the one below a thousand times: 1000^6 parts if it were spread out.
    const layers = Array.from({ length: 6 }, (_, layer) =>
      raw('](', ...Array.from({ length: 1000 }, () => raw('h', layer)), 'e', 0x94),
    );
    const found = load(pickled(raw(list(int(1)), 0x94, ...layers)));
    expect(toPlain(found)).toBeUndefined();
  });

  test('stays bounded for an array of a shape without items', () => {
    const shaped = reduce(
      global('numpy.core.numeric', '_frombuffer'),
      bytes(new Uint8Array()),
      reduce(global('numpy', 'dtype'), text('f8')),
      tuple(int(2 ** 31 - 1), int(0)),
      text('C'),
    );
    expect(toPlain(load(pickled(shaped)))).toEqual([]);
  });

  test('is not taken for nesting: a hundred thousand levels are no recursion', () => {
    const depth = 100_000;
    const found = load(pickled(raw(Buffer.alloc(depth, ']'), Buffer.alloc(depth - 1, 'a'))));
    expect(Array.isArray(found)).toBe(true);
    expect(() => toPlain(found)).not.toThrow();
  });

  /** Keeps `item` as memo 0, then calls `callable` with it again and again. */
  function copies(item: Buffer, callable: Buffer, ...args: readonly Buffer[]): Buffer {
    const call = raw(callable, '(h', 0, ...args, 'tR0');
    return raw(item, 0x94, ...Array.from({ length: 1000 }, () => call), 'N');
  }
});

describe('a numpy array', () => {
  test.each([
    ['too few items', 3],
    ['too many items', 1],
  ])('with %s for its shape has no plain form', (_, length) => {
    const array = raw(numpyArray('f8', [1, 2]));
    const shape = Buffer.concat([raw('('), int(2), raw('t')]);
    const at = array.indexOf(shape);
    expect(at).toBeGreaterThan(0);
    const changed = Buffer.concat([
      array.subarray(0, at),
      tuple(int(length)),
      array.subarray(at + shape.length),
    ]);
    expect(toPlain(load(pickled(array)))).toEqual([1, 2]);
    expect(toPlain(load(pickled(changed)))).toBeUndefined();
  });
});
