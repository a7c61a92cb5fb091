import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import type { Volume } from '../../src/dicom/volume.ts';

interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Reads a NumPy array of little-endian float32 or float16 in C order. */
function parseNpy(bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint16(8, true);
  const header = new TextDecoder('latin1').decode(bytes.subarray(10, 10 + headerLength));
  const type = /'descr': '<f([24])'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)?.[1]
    ?.split(',')
    .filter((length) => length.trim() !== '')
    .map(Number);
  if (type === undefined || shape === undefined || !header.includes("'fortran_order': False")) {
    throw new Error(`cannot read a NumPy array with header ${header}`);
  }
  const start = 10 + headerLength;
  const length = shape.reduce((product, along) => product * along, 1);
  const data =
    type === '4'
      ? Float32Array.from({ length }, (_, i) => view.getFloat32(start + 4 * i, true))
      : Float32Array.from({ length }, (_, i) => halfToNumber(view.getUint16(start + 2 * i, true)));
  return { shape, data };
}

export async function readNpy(file: string): Promise<NpyArray> {
  return parseNpy(await readFile(file));
}

/** Reads one array of an .npz. */
export async function readNpz(file: string, key: string): Promise<NpyArray> {
  const entry = unzipSync(await readFile(file))[`${key}.npy`];
  if (!entry) throw new Error(`${file} has no array ${key}`);
  return parseNpy(entry);
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** NIfTI-1 datatype codes that the reference runs use, with the bytes of one voxel. */
const NIFTI_TYPES = {
  2: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  4: { bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) },
  16: { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
  64: { bytes: 8, read: (view: DataView, at: number) => view.getFloat64(at, true) },
  512: { bytes: 2, read: (view: DataView, at: number) => view.getUint16(at, true) },
} as const;

/** Reads a gzipped little-endian NIfTI-1 volume; only its spacing is taken, as an axis-aligned grid. */
export async function readNifti(file: string): Promise<Volume<Float32Array>> {
  const bytes = gunzipSync(await readFile(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = view.getInt16(70, true);
  const type = Object.entries(NIFTI_TYPES).find(([key]) => Number(key) === code)?.[1];
  if (!type) throw new Error(`${file} has NIfTI datatype ${code}`);
  const size = [1, 2, 3].map((axis) => view.getInt16(40 + 2 * axis, true));
  const spacing = [1, 2, 3].map((axis) => view.getFloat32(76 + 4 * axis, true));
  const [nx = 0, ny = 0, nz = 0] = size;
  const [dx = 0, dy = 0, dz = 0] = spacing;
  const start = view.getFloat32(108, true);
  const slope = view.getFloat32(112, true) || 1;
  const intercept = view.getFloat32(116, true);
  const voxels = Float32Array.from(
    { length: nx * ny * nz },
    (_, i) => slope * type.read(view, start + i * type.bytes) + intercept,
  );
  return { voxels, size: [nx, ny, nz], affine: [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1] };
}
