import { shortened } from './pickle-reader.ts';
import type { NumpyArray, NumpyDtype, PickleValue } from './pickle-value.ts';

type Item = number | bigint | boolean | string;
type ReadItem = (view: DataView, offset: number, littleEndian: boolean) => Item;

const READERS: Readonly<Record<string, ReadItem>> = {
  f8: (view, offset, little) => view.getFloat64(offset, little),
  f4: (view, offset, little) => view.getFloat32(offset, little),
  i8: (view, offset, little) => shortened(view.getBigInt64(offset, little)),
  i4: (view, offset, little) => view.getInt32(offset, little),
  i2: (view, offset, little) => view.getInt16(offset, little),
  i1: (view, offset) => view.getInt8(offset),
  u8: (view, offset, little) => shortened(view.getBigUint64(offset, little)),
  u4: (view, offset, little) => view.getUint32(offset, little),
  u2: (view, offset, little) => view.getUint16(offset, little),
  u1: (view, offset) => view.getUint8(offset),
  b1: (view, offset) => view.getUint8(offset) !== 0,
};

/** Undefined where there is no such type, or none that plans hold. */
export function createDtype(code: string): NumpyDtype | undefined {
  const text = /^[US](\d{1,3})$/.exec(code);
  const itemSize = text
    ? Number(text[1]) * (code.startsWith('U') ? UTF32_BYTES : 1)
    : Number(/^[a-zO](\d)$/.exec(code)?.[1] ?? 0);
  if (!text && !(code in READERS) && code !== 'O8') return undefined;
  return { kind: 'dtype', code, littleEndian: true, itemSize };
}

const UTF32_BYTES = 4;

/** One item; undefined where the bytes are too few or the type holds objects. */
export function readNumpyItem(dtype: NumpyDtype, bytes: Uint8Array, index = 0): Item | undefined {
  const offset = index * dtype.itemSize;
  if (offset + dtype.itemSize > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, dtype.itemSize);
  const read = READERS[dtype.code];
  if (read) return read(view, 0, dtype.littleEndian);
  if (dtype.code.startsWith('S')) return trimmed(Array.from(bytes.subarray(offset, offset + dtype.itemSize)));
  if (!dtype.code.startsWith('U')) return undefined;
  const codes = Array.from({ length: dtype.itemSize / UTF32_BYTES }, (_, i) =>
    view.getUint32(i * UTF32_BYTES, dtype.littleEndian),
  );
  return codes.every((code) => code <= 0x10ffff) ? trimmed(codes) : undefined;
}

const trimmed = (codes: readonly number[]): string => String.fromCodePoint(...codes).replace(/\0+$/, '');

/** Nested arrays in C order; undefined where shape and data don't fit each other. */
export function numpyToLists(array: NumpyArray): PickleValue | undefined {
  const { shape, dtype, data, fortranOrder } = array;
  const count = shape.reduce((product, length) => product * length, 1);
  const stored =
    dtype && data instanceof Uint8Array
      ? dtype.itemSize > 0
        ? data.length / dtype.itemSize
        : 0
      : data.length;
  if (!dtype || count !== stored) return undefined;
  if (count === 0) return [];
  const strides = fortranOrder ? stridesOf(shape) : stridesOf(shape.toReversed()).toReversed();
  const item = (index: number): PickleValue | undefined =>
    data instanceof Uint8Array ? readNumpyItem(dtype, data, index) : data[index];
  const build = (axis: number, index: number): PickleValue | undefined => {
    const length = shape[axis];
    if (length === undefined) return item(index);
    const parts: PickleValue[] = [];
    for (let i = 0; i < length; i++) {
      const part = build(axis + 1, index + i * (strides[axis] ?? 0));
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return parts;
  };
  return build(0, 0);
}

/** Strides of an array whose first axis is the fastest. */
function stridesOf(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((length) => {
    const own = stride;
    stride *= length;
    return own;
  });
}
