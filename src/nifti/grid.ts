import type { NIFTI1, NIFTI2 } from 'nifti-reader-js';
import { type Size, spacingOf, type Volume } from '../dicom/volume.ts';

/**
 * Where the voxels of a file lie, in the header's own fields, so that another file can repeat them to the
 * bit.
 */
export interface NiftiGrid {
  readonly version: 1 | 2;
  readonly size: Size;
  readonly dimInfo: number;
  /** qfac, then the spacing along x, y and z in the file's units. */
  readonly pixdim: readonly number[];
  readonly xyztUnits: number;
  readonly qformCode: number;
  readonly quatern: readonly [b: number, c: number, d: number];
  readonly qoffset: readonly [x: number, y: number, z: number];
  readonly sformCode: number;
  /** srow_x, srow_y and srow_z: voxel index to RAS in the file's units. */
  readonly srow: readonly number[];
}

const UNITS_MM = 2;
const SCANNER_ANATOMICAL = 1;

/**
 * The grid of a header that was read.
 * @param srow as the file has it: the library puts the qform in its place where qform_code is the larger code
 */
export function gridOfHeader(header: NIFTI1 | NIFTI2, version: 1 | 2, srow: readonly number[]): NiftiGrid {
  const [, nx = 0, ny = 0, nz = 0] = header.dims;
  return {
    version,
    size: [nx, ny, nz],
    dimInfo: header.dim_info,
    pixdim: header.pixDims.slice(0, 4),
    xyztUnits: header.xyzt_units,
    qformCode: header.qform_code,
    quatern: [header.quatern_b, header.quatern_c, header.quatern_d],
    qoffset: [header.qoffset_x, header.qoffset_y, header.qoffset_z],
    sformCode: header.sform_code,
    srow,
  };
}

/**
 * The grid of a volume that came from elsewhere, as an sform: a quaternion could not say that a grid is
 * sheared.
 */
export function gridOfVolume({
  size,
  affine,
}: Pick<Volume, 'size' | 'affine'> & { readonly voxels?: unknown }): NiftiGrid {
  return {
    version: 1,
    size,
    dimInfo: 0,
    pixdim: [1, ...spacingOf(affine)],
    xyztUnits: UNITS_MM,
    qformCode: 0,
    quatern: [0, 0, 0],
    qoffset: [0, 0, 0],
    sformCode: SCANNER_ANATOMICAL,
    // LPS to RAS.
    srow: affine.slice(0, 12).map((value, index) => (index < 8 ? -value : value)),
  };
}
