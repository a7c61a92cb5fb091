import type { Volume } from '../dicom/volume.ts';
import { withByteReader } from './byte-reader.ts';
import type { NiftiGrid } from './grid.ts';
import { LONGEST_HEADER, readHeader } from './header.ts';
import { NiftiError } from './nifti-error.ts';
import { countNaN, decodeVoxels } from './voxels.ts';

export interface NiftiImage {
  /** Voxels in the order of the file, x fastest, as real values; in memory that threads can share. */
  readonly volume: Volume;
  /**
   * Whether the file says how its axes lie in the patient. Where it does not, the affine takes them for L, P
   * and S.
   */
  readonly hasOrientation: boolean;
  /** What results on the same grid are written with. */
  readonly grid: NiftiGrid;
  readonly warnings: readonly string[];
}

/**
 * Writers pad their files now and then; more than this after the last voxel means that the header is wrong.
 */
const MOST_TRAILING_BYTES = 2 ** 16;

/**
 * Reads one 3-D volume from a NIfTI-1 or NIfTI-2 file (.nii, .nii.gz). No more memory is taken than the file
 * can fill.
 * @throws {NiftiError} naming the file
 */
export async function readNifti(file: string): Promise<NiftiImage> {
  return withByteReader(file, async (reader) => {
    const longest = new Uint8Array(LONGEST_HEADER);
    const start = longest.subarray(0, await reader.readInto(longest));
    const header = readHeader(start, file);
    const { grid, geometry, type, voxelOffset, voxelBytes } = header;
    const short = (found: string) =>
      new NiftiError('NIFTI_DAMAGED', `${file} is cut off: ${voxelBytes} bytes of voxels expected, ${found}`);
    if (voxelOffset + voxelBytes > reader.mostBytes) throw short('more than the file can hold');

    const buffer = new SharedArrayBuffer(voxelBytes);
    const target = new Uint8Array(buffer);
    // What was read to tell the two headers apart is longer than one of them: voxels may have come along.
    const early = start.subarray(Math.min(voxelOffset, start.length), voxelOffset + voxelBytes);
    target.set(early);
    await reader.skip(Math.max(0, voxelOffset - start.length));
    const found = early.length + (await reader.readInto(target.subarray(early.length)));
    if (found < voxelBytes) throw short(`${found} found`);
    // Going on to the end lets gzip compare its checksum.
    if ((await reader.skip(MOST_TRAILING_BYTES + 1)) > MOST_TRAILING_BYTES) {
      const size = `${grid.size.join(' x ')} voxels of ${type.name}`;
      throw new NiftiError('NIFTI_DAMAGED', `${file} goes on after the ${size} that its header speaks of`);
    }
    const voxels = decodeVoxels(buffer, type, header.littleEndian, header.scaling);
    const { affine, spacing, hasOrientation } = geometry;
    const warnings = [...geometry.warnings];
    const nan = countNaN(voxels);
    if (nan > 0) warnings.push(`${nan} voxels are NaN and count as 0, as in nnU-Net`);
    return { volume: { voxels, size: grid.size, affine, spacing }, hasOrientation, grid, warnings };
  });
}
