import type { Affine } from '../dicom/volume.ts';
import type { Grid } from './phantom/field.ts';
import { type Point, rotation } from './phantom/shapes.ts';

export type Orientation = 'axial' | 'coronal' | 'sagittal';

/**
 * How a stack of slices is acquired: pixels and millimetres; the field of view is centred on `centre`
 * (phantom, LPS).
 */
export interface Stack {
  readonly orientation: Orientation;
  readonly columns: number;
  readonly rows: number;
  readonly slices: number;
  readonly pixelSpacing: number;
  readonly sliceSpacing: number;
  readonly centre: Point;
}

/** Directions of rows, columns and slices in patient space; the slices ascend along row x column. */
const DIRECTIONS = {
  axial: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  coronal: [1, 0, 0, 0, 0, -1, 0, 1, 0],
  sagittal: [0, 1, 0, 0, 0, -1, -1, 0, 0],
} as const satisfies Record<Orientation, readonly number[]>;

/** ImageOrientationPatient (PS3.3 C.7.6.2.1.1). */
export function imageOrientation(orientation: Orientation): number[] {
  return DIRECTIONS[orientation].slice(0, 6);
}

/** The grid of a stack in the phantom's own coordinates. */
export function stackGrid(stack: Stack): Grid {
  const size = [stack.columns, stack.rows, stack.slices] as const;
  const step = [stack.pixelSpacing, stack.pixelSpacing, stack.sliceSpacing];
  const direction = DIRECTIONS[stack.orientation];
  const affine: number[] = [];
  for (let i = 0; i < 3; i++) {
    let origin = stack.centre[i] ?? 0;
    for (let axis = 0; axis < 3; axis++) {
      const entry = (direction[axis * 3 + i] ?? 0) * (step[axis] ?? 0);
      affine.push(entry);
      origin -= (entry * ((size[axis] ?? 0) - 1)) / 2;
    }
    affine.push(origin);
  }
  return { size, affine: [...affine, 0, 0, 0, 1] };
}

/**
 * How the patient lies on the table at one visit: scanner coordinates are the phantom's, turned about the
 * long axis (radians) and moved by `table` (mm).
 */
export interface Pose {
  readonly turn: number;
  readonly table: Point;
}

/** The phantom's coordinates of a grid that is given in scanner coordinates centred on the phantom. */
export function underPose(grid: Grid, pose: Pose): Grid {
  const r = rotation(0, 0, -pose.turn);
  const affine: number[] = [];
  for (let i = 0; i < 3; i++)
    for (let column = 0; column < 4; column++) {
      let entry = 0;
      for (let k = 0; k < 3; k++) entry += (r[i * 3 + k] ?? 0) * (grid.affine[k * 4 + column] ?? 0);
      affine.push(entry);
    }
  return { size: grid.size, affine: [...affine, 0, 0, 0, 1] };
}

/** The grid as the images' headers give it: moved to where the table stands. */
export function onTable({ size, affine }: Grid, { table }: Pose): Grid {
  return { size, affine: affine.map((v, i) => (i % 4 === 3 && i < 12 ? v + (table[(i - 3) / 4] ?? 0) : v)) };
}

/** ImagePositionPatient of slice `k`: the centre of its first pixel. */
export function slicePosition(affine: Affine, k: number): number[] {
  return [0, 1, 2].map((i) => (affine[i * 4 + 3] ?? 0) + k * (affine[i * 4 + 2] ?? 0));
}
