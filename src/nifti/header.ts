import { NIFTI1, NIFTI2 } from 'nifti-reader-js';
import { type NiftiGeometry, readGeometry } from './geometry.ts';
import { gridOfHeader, type NiftiGrid } from './grid.ts';
import { NiftiError } from './nifti-error.ts';
import { OTHER_TYPES, type Scaling, VOXEL_TYPES, type VoxelType } from './voxels.ts';

/** Bytes of the two headers; the first four bytes of a file say which it is. */
const HEADER_BYTES = { 1: 348, 2: 540 } as const;
/** Enough to tell either. */
export const LONGEST_HEADER = HEADER_BYTES[2];

export interface NiftiHeader {
  readonly grid: NiftiGrid;
  readonly geometry: NiftiGeometry;
  readonly littleEndian: boolean;
  readonly type: VoxelType;
  /** Undefined where stored values are real ones. */
  readonly scaling: Scaling | undefined;
  /** Bytes before the first voxel, and of all voxels. */
  readonly voxelOffset: number;
  readonly voxelBytes: number;
}

/** 1024 slices of 1024 x 1024; the result's arrays would be too large for one machine above that. */
const MOST_VOXELS = 2 ** 30;

/** Header extensions are texts of some kilobytes. */
const LONGEST_EXTENSIONS = 2 ** 24;

/**
 * Checks and reads a header.
 * @param bytes the beginning of the file, `LONGEST_HEADER` bytes where it has so many
 * @throws {NiftiError} every code but NIFTI_UNREADABLE
 */
export function readHeader(bytes: Uint8Array, file: string): NiftiHeader {
  const { header, version, littleEndian, srow } = parse(bytes, file);
  const grid = gridOfHeader(header, version, srow);
  checkDimensions(header.dims, file);
  const type = VOXEL_TYPES.get(header.datatypeCode);
  if (!type) {
    const name = OTHER_TYPES.get(header.datatypeCode) ?? `of unknown datatype ${header.datatypeCode}`;
    throw new NiftiError('NIFTI_DATATYPE', `${file}: its voxels are ${name}; needs single real numbers`);
  }
  const voxelOffset = header.vox_offset;
  const least = HEADER_BYTES[version] + 4; // four bytes tell whether extensions follow
  if (!Number.isInteger(voxelOffset) || voxelOffset < least || voxelOffset > least + LONGEST_EXTENSIONS) {
    throw new NiftiError('NIFTI_FORMAT', `${file}: vox_offset is ${voxelOffset}; voxels cannot start there`);
  }
  const [nx, ny, nz] = grid.size;
  return {
    grid,
    geometry: readGeometry(header, grid, file),
    littleEndian,
    type,
    scaling: readScaling(header, file),
    voxelOffset,
    voxelBytes: nx * ny * nz * type.bytes,
  };
}

interface Parsed {
  readonly header: NIFTI1 | NIFTI2;
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  readonly srow: readonly number[];
}

/** The library gets the header alone: its reading of extensions does not end for some damaged ones. */
function parse(bytes: Uint8Array, file: string): Parsed {
  const refuse = (what: string) => new NiftiError('NIFTI_FORMAT', `${file} ${what}`);
  const notNifti = 'is not a NIfTI file';
  if (bytes.length < HEADER_BYTES[1]) throw refuse(`${notNifti}: it has no more than ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = [HEADER_BYTES[1], HEADER_BYTES[2]].some((size) => view.getInt32(0, true) === size);
  const size = view.getInt32(0, littleEndian);
  const magicAt = (start: number) => Buffer.from(bytes.subarray(start, start + 3)).toString('latin1');

  if (size === HEADER_BYTES[1]) {
    const magic = magicAt(NIFTI1.MAGIC_NUMBER_LOCATION);
    if (magic === 'ni1') throw refuse('is half of a pair of files (.hdr, .img); convert it to one .nii file');
    if (magic !== 'n+1') throw refuse(`${notNifti}, perhaps ANALYZE: its header lacks the mark "n+1"`);
    const header = new NIFTI1();
    header.readHeader(Uint8Array.from(bytes.subarray(0, size)).buffer);
    const SROW_X = 280;
    const srow = Array.from({ length: 12 }, (_, i) => view.getFloat32(SROW_X + 4 * i, littleEndian));
    return { header, version: 1, littleEndian, srow };
  }
  if (size === HEADER_BYTES[2] && bytes.length >= size) {
    const magic = magicAt(NIFTI2.MAGIC_NUMBER_LOCATION);
    if (magic === 'ni2') throw refuse('is half of a pair of files (.hdr, .img); convert it to one .nii file');
    if (magic !== 'n+2') throw refuse(`${notNifti}: its header lacks the mark "n+2"`);
    const header = new NIFTI2();
    header.readHeader(Uint8Array.from(bytes.subarray(0, size)).buffer);
    return { header, version: 2, littleEndian, srow: header.affine.flat().slice(0, 12) };
  }
  throw refuse(`${notNifti}: it begins with ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`);
}

/** One volume: axes beyond the third may be named, but have one step. */
function checkDimensions(dims: readonly number[], file: string): void {
  const refuse = (what: string) => new NiftiError('NIFTI_DIMENSIONS', `${file}: ${what}`);
  const [count = 0, ...lengths] = dims;
  if (!Number.isInteger(count) || count < 1 || count > 7) throw refuse(`dim[0] is ${count}, needs 1 to 7`);
  const named = lengths.slice(0, count);
  if (count < 3) throw refuse(`it has ${count} dimensions (${named.join(' x ')}), needs 3`);
  const size = named.slice(0, 3);
  if (!size.every((length) => Number.isInteger(length) && length >= 1)) {
    throw refuse(`its size is ${size.join(' x ')} voxels`);
  }
  const volumes = named.slice(3).find((length) => length > 1);
  if (volumes !== undefined) {
    throw refuse(
      `it holds several volumes (${named.join(' x ')}); write the one that is meant to its own file`,
    );
  }
  const voxels = size.reduce((product, length) => product * length, 1);
  if (voxels > MOST_VOXELS) {
    throw refuse(`it has ${size.join(' x ')} voxels; no more than ${MOST_VOXELS} are read`);
  }
}

/**
 * A slope that is 0 or no number means none. Where the intercept then still says something, readers disagree
 * (nibabel leaves it out, ITK adds it).
 */
function readScaling({ scl_slope, scl_inter }: NIFTI1 | NIFTI2, file: string): Scaling | undefined {
  const said = `${file}: scl_slope is ${scl_slope}, scl_inter is ${scl_inter}`;
  if (!Number.isFinite(scl_slope) || scl_slope === 0) {
    if (scl_inter === 0 || !Number.isFinite(scl_inter)) return undefined;
    throw new NiftiError('NIFTI_SCALING', `${said}: whether to add the second is not clear`);
  }
  if (!Number.isFinite(scl_inter)) throw new NiftiError('NIFTI_SCALING', said);
  return scl_slope === 1 && scl_inter === 0 ? undefined : { slope: scl_slope, intercept: scl_inter };
}
