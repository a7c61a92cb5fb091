/** How the values of a torch storage are written (little-endian), and how they become single precision. */
export interface StorageType {
  /** The class that a pickle names, as in torch.FloatStorage. */
  readonly className: string;
  readonly bytesPerValue: number;
  /** Reads value `index` of the view. */
  readonly valueAt: (view: DataView, index: number) => number;
}

const types: readonly StorageType[] = [
  { className: 'FloatStorage', bytesPerValue: 4, valueAt: (view, i) => view.getFloat32(4 * i, true) },
  { className: 'DoubleStorage', bytesPerValue: 8, valueAt: (view, i) => view.getFloat64(8 * i, true) },
  {
    className: 'HalfStorage',
    bytesPerValue: 2,
    valueAt: (view, i) => halfToNumber(view.getUint16(2 * i, true)),
  },
  { className: 'BFloat16Storage', bytesPerValue: 2, valueAt: bfloat16At },
  { className: 'LongStorage', bytesPerValue: 8, valueAt: (view, i) => Number(view.getBigInt64(8 * i, true)) },
  { className: 'IntStorage', bytesPerValue: 4, valueAt: (view, i) => view.getInt32(4 * i, true) },
  { className: 'ShortStorage', bytesPerValue: 2, valueAt: (view, i) => view.getInt16(2 * i, true) },
  { className: 'CharStorage', bytesPerValue: 1, valueAt: (view, i) => view.getInt8(i) },
  { className: 'ByteStorage', bytesPerValue: 1, valueAt: (view, i) => view.getUint8(i) },
  { className: 'BoolStorage', bytesPerValue: 1, valueAt: (view, i) => (view.getUint8(i) === 0 ? 0 : 1) },
];

/** By the name that a pickle gives, such as torch.FloatStorage. */
export const STORAGE_TYPES: ReadonlyMap<string, StorageType> = new Map(
  types.map((type) => [`torch.${type.className}`, type]),
);

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. Every value is exact. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bits = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of single precision. */
function bfloat16At(view: DataView, index: number): number {
  bits.setUint16(0, view.getUint16(2 * index, true));
  return bits.getFloat32(0);
}
