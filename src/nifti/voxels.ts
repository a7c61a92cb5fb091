import { endianness } from 'node:os';
import type { VoxelArray } from '../dicom/volume.ts';

type Scalars =
  | VoxelArray
  | Int8Array
  | Int32Array
  | Uint32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

export interface VoxelType {
  readonly name: string;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly view: (buffer: ArrayBufferLike) => Scalars;
}

/** The datatype codes that hold one real number per voxel (nifti1.h, NIFTI_TYPE_*). */
export const VOXEL_TYPES: ReadonlyMap<number, VoxelType> = new Map<number, VoxelType>([
  [2, { name: 'uint8', bytes: 1, view: (buffer) => new Uint8Array(buffer) }],
  [4, { name: 'int16', bytes: 2, view: (buffer) => new Int16Array(buffer) }],
  [8, { name: 'int32', bytes: 4, view: (buffer) => new Int32Array(buffer) }],
  [16, { name: 'float32', bytes: 4, view: (buffer) => new Float32Array(buffer) }],
  [64, { name: 'float64', bytes: 8, view: (buffer) => new Float64Array(buffer) }],
  [256, { name: 'int8', bytes: 1, view: (buffer) => new Int8Array(buffer) }],
  [512, { name: 'uint16', bytes: 2, view: (buffer) => new Uint16Array(buffer) }],
  [768, { name: 'uint32', bytes: 4, view: (buffer) => new Uint32Array(buffer) }],
  [1024, { name: 'int64', bytes: 8, view: (buffer) => new BigInt64Array(buffer) }],
  [1280, { name: 'uint64', bytes: 8, view: (buffer) => new BigUint64Array(buffer) }],
]);

/** The codes that are refused, for the message. */
export const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'single bits'],
  [32, 'complex numbers'],
  [128, 'RGB colours'],
  [1536, '128-bit floats'],
  [1792, 'complex numbers'],
  [2048, 'complex numbers'],
  [2304, 'RGBA colours'],
]);

export interface Scaling {
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Stored bytes to real values: slope x stored + intercept, in double precision, rounded once to float32.
 * Without scaling, the types that a volume may have stay as they are, in the same memory.
 * @param bytes all of `buffer`; its byte order is changed in place
 */
export function decodeVoxels(
  buffer: SharedArrayBuffer,
  type: VoxelType,
  littleEndian: boolean,
  scaling: Scaling | undefined,
): VoxelArray {
  if (littleEndian !== (endianness() === 'LE')) swapBytes(Buffer.from(buffer), type.bytes);
  const stored = type.view(buffer);
  if (!scaling && isVoxelArray(stored)) return stored;
  const { slope, intercept } = scaling ?? { slope: 1, intercept: 0 };
  const shared = (bytesPerVoxel: number) => new SharedArrayBuffer(bytesPerVoxel * stored.length);
  const real =
    !scaling && stored instanceof Int8Array ? new Int16Array(shared(2)) : new Float32Array(shared(4));
  for (let i = 0; i < real.length; i++) real[i] = slope * Number(stored[i]) + intercept;
  return real;
}

function isVoxelArray(stored: Scalars): stored is VoxelArray {
  return (
    stored instanceof Int16Array ||
    stored instanceof Uint16Array ||
    stored instanceof Uint8Array ||
    stored instanceof Float32Array
  );
}

function swapBytes(bytes: Buffer, bytesPerVoxel: VoxelType['bytes']): void {
  if (bytesPerVoxel === 2) bytes.swap16();
  if (bytesPerVoxel === 4) bytes.swap32();
  if (bytesPerVoxel === 8) bytes.swap64();
}

export function countNaN(voxels: VoxelArray): number {
  if (!(voxels instanceof Float32Array)) return 0;
  let count = 0;
  for (let i = 0; i < voxels.length; i++) if (Number.isNaN(voxels[i])) count++;
  return count;
}
