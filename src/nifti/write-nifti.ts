import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { NIFTI1, NIFTI2 } from 'nifti-reader-js';
import type { NiftiGrid } from './grid.ts';

const DATATYPES = {
  uint8: { code: 2, bits: 8 },
  int16: { code: 4, bits: 16 },
  float32: { code: 16, bits: 32 },
} as const;
type Voxels = Uint8Array | Int16Array | Float32Array;

/** How much is handed to the compressor at a time. */
const PIECE = 2 ** 20;

/**
 * Writes voxels on a grid as .nii.gz, little-endian; the grid's own header fields are repeated to the bit.
 * The file appears whole or not at all.
 * @param voxels labels or real values in z-y-x order, x fastest
 * @param description ASCII, up to 79 characters; what the input's header says about the patient is not copied
 */
export async function writeNifti(
  file: string,
  grid: NiftiGrid,
  voxels: Uint8Array | Float32Array,
  description: string,
): Promise<void> {
  const bytes = niftiBytes(grid, voxels, description);
  const part = `${file}.part`;
  try {
    await pipeline(Readable.from(bytes), createGzip(), createWriteStream(part));
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** What the voxels stand for: value = voxel * slope + intercept. */
interface Scale {
  readonly slope: number;
  readonly intercept: number;
}

/** The bytes of a .nii, piece by piece; see `writeNifti`. */
export function niftiBytes(
  grid: NiftiGrid,
  voxels: Voxels,
  description: string,
  scale: Scale = { slope: 1, intercept: 0 },
): Generator<Buffer> {
  const [nx, ny, nz] = grid.size;
  if (voxels.length !== nx * ny * nz) {
    throw new RangeError(`${voxels.length} voxels for a grid of ${grid.size.join(' x ')}`);
  }
  return pieces(new Uint8Array(headerOf(grid, voxels, description, scale).toArrayBuffer()), voxels);
}

function* pieces(header: Uint8Array, voxels: Voxels): Generator<Buffer> {
  yield Buffer.from(header);
  const bytes = littleEndianBytes(voxels);
  for (let start = 0; start < bytes.length; start += PIECE) yield bytes.subarray(start, start + PIECE);
}

function littleEndianBytes(voxels: Voxels): Buffer {
  const bytes = Buffer.from(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  if (endianness() === 'LE' || voxels instanceof Uint8Array) return bytes;
  return voxels instanceof Int16Array ? Buffer.from(bytes).swap16() : Buffer.from(bytes).swap32();
}

function headerOf(grid: NiftiGrid, voxels: Voxels, description: string, scale: Scale): NIFTI1 | NIFTI2 {
  const header = grid.version === 1 ? new NIFTI1() : new NIFTI2();
  const datatype = datatypeOf(voxels);
  const [b, c, d] = grid.quatern;
  const [x, y, z] = grid.qoffset;
  return Object.assign(header, {
    littleEndian: true,
    // The terminating zero is part of NIfTI-2's mark; the library leaves it out of headers that it has read.
    magic: grid.version === 1 ? 'n+1\0' : 'n+2\0\r\n\x1a\n',
    dim_info: grid.dimInfo,
    dims: [3, ...grid.size, 1, 1, 1, 1],
    datatypeCode: datatype.code,
    numBitsPerVoxel: datatype.bits,
    pixDims: [...grid.pixdim, 1, 1, 1, 1],
    vox_offset: grid.version === 1 ? 352 : 544,
    scl_slope: scale.slope,
    scl_inter: scale.intercept,
    xyzt_units: grid.xyztUnits,
    description,
    qform_code: grid.qformCode,
    quatern_b: b,
    quatern_c: c,
    quatern_d: d,
    qoffset_x: x,
    qoffset_y: y,
    qoffset_z: z,
    sform_code: grid.sformCode,
    affine: [grid.srow.slice(0, 4), grid.srow.slice(4, 8), grid.srow.slice(8, 12), [0, 0, 0, 1]],
  } satisfies Partial<NIFTI1>);
}

function datatypeOf(voxels: Voxels) {
  if (voxels instanceof Uint8Array) return DATATYPES.uint8;
  return voxels instanceof Int16Array ? DATATYPES.int16 : DATATYPES.float32;
}
