/**
 * Writes pickles for tests, good and hostile. Each function gives the instructions that leave one value on
 * the stack.
 */

const byte = (value: number): Buffer => Buffer.of(value);
const ascii = (characters: string): Buffer => Buffer.from(characters, 'latin1');

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export const none: Buffer = ascii('N');
export const bool = (value: boolean): Buffer => byte(value ? 0x88 : 0x89);

export function int(value: number): Buffer {
  if (value >= -(2 ** 31) && value < 2 ** 31) {
    const bytes = Buffer.alloc(5);
    bytes.write('J', 'latin1');
    bytes.writeInt32LE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return Buffer.concat([byte(0x8a), byte(8), bytes]);
}

export function float(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.write('G', 'latin1');
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([ascii('X'), uint32(bytes.length), bytes]);
}

export const bytes = (value: Uint8Array): Buffer => Buffer.concat([ascii('B'), uint32(value.length), value]);

export const list = (...items: readonly Buffer[]): Buffer =>
  Buffer.concat([ascii(']('), ...items, ascii('e')]);
export const tuple = (...items: readonly Buffer[]): Buffer =>
  Buffer.concat([ascii('('), ...items, ascii('t')]);

type Entries = Readonly<Record<string, Buffer>> | readonly (readonly [Buffer, Buffer])[];

const items = (entries: Entries): Buffer[] =>
  Array.isArray(entries)
    ? entries.flat()
    : Object.entries(entries).flatMap(([key, value]) => [text(key), value]);

export const dict = (entries: Entries = {}): Buffer =>
  Buffer.concat([ascii('}('), ...items(entries), ascii('u')]);
export const orderedDict = (entries: Entries = {}): Buffer =>
  Buffer.concat([reduce(global('collections', 'OrderedDict')), ascii('('), ...items(entries), ascii('u')]);

/** The form of protocols below 4. */
export const global = (module: string, name: string): Buffer => ascii(`c${module}\n${name}\n`);
/** The form of protocol 4. */
export const stackGlobal = (module: string, name: string): Buffer =>
  Buffer.concat([text(module), text(name), byte(0x93)]);

export const reduce = (callable: Buffer, ...args: readonly Buffer[]): Buffer =>
  Buffer.concat([callable, tuple(...args), ascii('R')]);
export const build = (object: Buffer, state: Buffer): Buffer => Buffer.concat([object, state, ascii('b')]);
export const persistent = (id: Buffer): Buffer => Buffer.concat([id, ascii('Q')]);
export const raw = (...parts: readonly (string | number | Uint8Array)[]): Buffer =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? ascii(part) : typeof part === 'number' ? byte(part) : part,
    ),
  );

export const pickled = (value: Buffer, protocol = 4): Buffer =>
  Buffer.concat([byte(0x80), byte(protocol), value, ascii('.')]);

const numpyDtype = (code: string): Buffer =>
  build(
    reduce(global('numpy', 'dtype'), text(code), bool(false), bool(true)),
    tuple(int(3), text('<'), none, none, none, int(-1), int(-1), int(0)),
  );

/** A one-dimensional numpy array. */
export function numpyArray(code: 'f8' | 'i8', values: readonly number[]): Buffer {
  const data = code === 'f8' ? Float64Array.from(values) : BigInt64Array.from(values.map(BigInt));
  return build(
    reduce(
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      tuple(int(0)),
      bytes(Buffer.from('b')),
    ),
    tuple(
      int(1),
      tuple(int(values.length)),
      numpyDtype(code),
      bool(false),
      bytes(new Uint8Array(data.buffer)),
    ),
  );
}

export const numpyFloat = (value: number): Buffer =>
  reduce(
    global('numpy.core.multiarray', 'scalar'),
    numpyDtype('f8'),
    bytes(new Uint8Array(Float64Array.of(value).buffer)),
  );
