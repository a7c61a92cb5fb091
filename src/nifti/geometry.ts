import type { NIFTI1, NIFTI2 } from 'nifti-reader-js';
import type { Affine } from '../dicom/volume.ts';
import type { NiftiGrid } from './grid.ts';
import { NiftiError } from './nifti-error.ts';

export interface NiftiGeometry {
  /** Voxel index to patient coordinates in mm, LPS. */
  readonly affine: Affine;
  /** mm along x, y and z: pixdim, to the bit. */
  readonly spacing: readonly [number, number, number];
  /**
   * Whether the file says how its axes lie in the patient. Where it does not, the affine takes them for L, P
   * and S.
   */
  readonly hasOrientation: boolean;
  readonly warnings: readonly string[];
}

/** Spatial part of xyzt_units to mm; a file that names no unit is in mm, as ITK and nibabel take it. */
const MM_PER_UNIT: Readonly<Record<number, number>> = { 0: 1, 1: 1000, 2: 1, 3: 0.001 };
const SPATIAL_UNITS = 7;

/** Wider than any scanner's voxels: what lies outside has its units or its header wrong. */
const SPACING_MM = { least: 0.01, most: 100 } as const;

/**
 * pixdim is often rounded to three digits; a larger difference to the sform means that one of them is wrong.
 */
const SPACING_TOLERANCE = 2e-3;

/** Volume of the box that the axes' directions span; less than this, and the axes lie in a plane. */
const LEAST_INDEPENDENCE = 1e-2;

/** Difference of direction cosines from which qform and sform mean different orientations: half a degree. */
const DIRECTION_TOLERANCE = 1e-2;

/**
 * Where the voxels lie. Directions come from the sform, else from the qform (as nibabel has it); lengths come
 * from pixdim (as ITK has it, and through it nnU-Net). A file in which the two contradict each other is
 * refused.
 * @throws {NiftiError} NIFTI_GEOMETRY
 */
export function readGeometry(header: NIFTI1 | NIFTI2, grid: NiftiGrid, file: string): NiftiGeometry {
  const refuse = (what: string) => new NiftiError('NIFTI_GEOMETRY', `${file}: ${what}`);
  const unit = MM_PER_UNIT[grid.xyztUnits & SPATIAL_UNITS];
  if (unit === undefined) throw refuse(`xyzt_units is ${grid.xyztUnits}, which names no unit of length`);
  const [, dx = 0, dy = 0, dz = 0] = grid.pixdim;
  const spacing: [number, number, number] = [dx * unit, dy * unit, dz * unit];
  if (!spacing.every((length) => length >= SPACING_MM.least && length <= SPACING_MM.most)) {
    throw refuse(`the voxels are said to measure ${spacing.join(' x ')} mm (pixdim, xyzt_units)`);
  }

  const sform = grid.sformCode > 0 ? columnsOf(grid.srow) : undefined;
  const qform = grid.qformCode > 0 ? columnsOf(header.getQformMat().flat()) : undefined;
  const columns = sform ?? qform;
  if (!columns) {
    const affine = [spacing[0], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[2], 0, 0, 0, 0, 1];
    const warnings = [
      'the file does not say how its axes lie in the patient: qform_code and sform_code are 0',
    ];
    return { affine, spacing, hasOrientation: false, warnings };
  }
  const name = sform ? 'sform' : 'qform';
  if (!columns.flat().every(Number.isFinite)) throw refuse(`its ${name} holds values that are no numbers`);
  const lengths = columns.slice(0, 3).map((column) => Math.hypot(...column) * unit);
  if (lengths.some((length, axis) => Math.abs(length / (spacing[axis] ?? 0) - 1) > SPACING_TOLERANCE)) {
    const [ofForm, ofPixdim] = [lengths, spacing].map((mm) =>
      mm.map((one) => one.toPrecision(6)).join(' x '),
    );
    throw refuse(`voxels measure ${ofForm} mm by its ${name}, ${ofPixdim} mm by pixdim: correct the header`);
  }
  const directions = directionsOf(columns);
  if (Math.abs(tripleProduct(directions)) < LEAST_INDEPENDENCE) {
    throw refuse(`the axes of its ${name} lie in one plane`);
  }
  const warnings: string[] = [];
  const others = sform && qform ? directionsOf(qform) : directions;
  if (!agree(directions, others))
    warnings.push('qform and sform give different orientations: the sform was taken');
  const origin = columns[3] ?? [];
  const affine = [0, 1, 2].flatMap((row) => {
    const sign = row < 2 ? -1 : 1; // RAS to LPS
    const along = spacing.map((length, axis) => sign * (directions[axis]?.[row] ?? 0) * length);
    return [...along, sign * (origin[row] ?? 0) * unit];
  });
  return { affine: [...affine, 0, 0, 0, 1], spacing, hasOrientation: true, warnings };
}

/** The four columns of a row-major 3x4 or 4x4 matrix: the steps along x, y and z, and the origin. */
function columnsOf(rows: readonly number[]): number[][] {
  return [0, 1, 2, 3].map((column) => [0, 4, 8].map((row) => rows[row + column] ?? 0));
}

function directionsOf(columns: readonly (readonly number[])[]): number[][] {
  return columns.slice(0, 3).map((column) => {
    const length = Math.hypot(...column);
    return column.map((value) => value / length);
  });
}

function agree(some: readonly (readonly number[])[], others: readonly (readonly number[])[]): boolean {
  const differences = some.flat().map((value, index) => Math.abs(value - (others.flat()[index] ?? 0)));
  return Math.max(...differences) <= DIRECTION_TOLERANCE;
}

function tripleProduct([a = [], b = [], c = []]: readonly (readonly number[])[]): number {
  const [[ax = 0, ay = 0, az = 0], [bx = 0, by = 0, bz = 0], [cx = 0, cy = 0, cz = 0]] = [a, b, c];
  return ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx);
}
