/** Codes, and bytes of one voxel, of the datatypes that are read. */
export const NIFTI_TYPES = {
  uint8: { code: 2, bytes: 1 },
  int16: { code: 4, bytes: 2 },
  int32: { code: 8, bytes: 4 },
  float32: { code: 16, bytes: 4 },
  float64: { code: 64, bytes: 8 },
  int8: { code: 256, bytes: 1 },
  uint16: { code: 512, bytes: 2 },
  uint32: { code: 768, bytes: 4 },
  int64: { code: 1024, bytes: 8 },
  uint64: { code: 1280, bytes: 8 },
} as const;
export type NiftiType = keyof typeof NIFTI_TYPES;

export interface NiftiFile {
  readonly version?: 1 | 2;
  readonly littleEndian?: boolean;
  readonly type?: NiftiType;
  /** dim[1] and so on; dim[0] is their number. */
  readonly dims?: readonly number[];
  /** Stored values, x fastest; 0, 1, 2 ... where none are given. */
  readonly values?: readonly number[];
  /** qfac, then the spacing along x, y and z. */
  readonly pixdim?: readonly number[];
  readonly slope?: number;
  readonly intercept?: number;
  readonly units?: number;
  readonly qformCode?: number;
  readonly sformCode?: number;
  /** b, c, d, then the offsets. */
  readonly qform?: readonly number[];
  /** Three rows of four: index to RAS. */
  readonly sform?: readonly number[];
  /** Bytes of an extension between header and voxels; a multiple of 16. */
  readonly extension?: number;
}

/** Where fields stand: in NIfTI-1 and in NIfTI-2 (nifti1.h, nifti2.h). */
const OFFSETS = {
  1: {
    size: 348,
    magic: 344,
    datatype: 70,
    dim: 40,
    pixdim: 76,
    scale: 112,
    vox: 108,
    units: 123,
    codes: 252,
  },
  2: {
    size: 540,
    magic: 4,
    datatype: 12,
    dim: 16,
    pixdim: 104,
    scale: 176,
    vox: 168,
    units: 500,
    codes: 344,
  },
} as const;

/** The bytes of a NIfTI file, written field by field with no library: what the reader is held against. */
export function niftiFile(options: NiftiFile = {}): Buffer {
  const { version = 1, littleEndian = true, type = 'int16', dims = [4, 3, 2] } = options;
  const [, dx = 1, dy = 1, dz = 1] = options.pixdim ?? [1, 0.5, 0.75, 2];
  const sform = options.sform ?? [dx, 0, 0, 10, 0, dy, 0, 20, 0, 0, dz, 30];
  const at = OFFSETS[version];
  const voxels = dims.reduce((product, length) => product * length, 1);
  const values = options.values ?? Array.from({ length: voxels }, (_, i) => i);
  const start = at.size + 4 + (options.extension ?? 0);
  const { code, bytes } = NIFTI_TYPES[type];
  const file = Buffer.alloc(start + values.length * bytes);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const int = (offset: number, value: number) =>
    version === 1 ? view.setInt16(offset, value, littleEndian) : view.setInt32(offset, value, littleEndian);
  const real = (offset: number, index: number, value: number) =>
    version === 1
      ? view.setFloat32(offset + 4 * index, value, littleEndian)
      : view.setFloat64(offset + 8 * index, value, littleEndian);
  view.setInt32(0, at.size, littleEndian);
  file.write(version === 1 ? 'n+1\0' : 'n+2\0\r\n\x1a\n', at.magic, 'latin1');
  view.setInt16(at.datatype, code, littleEndian);
  view.setInt16(at.datatype + 2, 8 * bytes, littleEndian);
  [dims.length, ...dims].forEach((length, i) => {
    if (version === 1) view.setInt16(at.dim + 2 * i, length, littleEndian);
    else view.setBigInt64(at.dim + 8 * i, BigInt(length), littleEndian);
  });
  [options.pixdim?.[0] ?? 1, dx, dy, dz].forEach((length, i) => real(at.pixdim, i, length));
  if (version === 1) view.setFloat32(at.vox, start, littleEndian);
  else view.setBigInt64(at.vox, BigInt(start), littleEndian);
  real(at.scale, 0, options.slope ?? 1);
  real(at.scale, 1, options.intercept ?? 0);
  if (version === 1) view.setUint8(at.units, options.units ?? 2);
  else view.setInt32(at.units, options.units ?? 2, littleEndian);
  int(at.codes, options.qformCode ?? 0);
  int(at.codes + (version === 1 ? 2 : 4), options.sformCode ?? 1);
  const forms = at.codes + (version === 1 ? 4 : 8);
  (options.qform ?? [0, 0, 0, 0, 0, 0]).forEach((value, i) => real(forms, i, value));
  sform.forEach((value, i) => real(forms, 6 + i, value));
  if (options.extension) {
    view.setUint8(at.size, 1);
    view.setInt32(at.size + 4, options.extension, littleEndian);
  }
  values.forEach((value, i) => writeValue(view, type, start + i * bytes, value, littleEndian));
  return file;
}

function writeValue(view: DataView, type: NiftiType, at: number, value: number, littleEndian: boolean): void {
  if (type === 'uint8') view.setUint8(at, value);
  else if (type === 'int8') view.setInt8(at, value);
  else if (type === 'int16') view.setInt16(at, value, littleEndian);
  else if (type === 'uint16') view.setUint16(at, value, littleEndian);
  else if (type === 'int32') view.setInt32(at, value, littleEndian);
  else if (type === 'uint32') view.setUint32(at, value, littleEndian);
  else if (type === 'float32') view.setFloat32(at, value, littleEndian);
  else if (type === 'float64') view.setFloat64(at, value, littleEndian);
  else if (type === 'int64') view.setBigInt64(at, BigInt(value), littleEndian);
  else view.setBigUint64(at, BigInt(value), littleEndian);
}
