import type { VoxelArray } from '../dicom/volume.ts';

/** Lengths of the three axes, slowest first: [z, y, x], or whatever order the network's axes have. */
export type Shape3 = readonly [number, number, number];

export type Axis = 0 | 1 | 2;
export const AXES = [0, 1, 2] as const;

/** A permutation of the axes 0, 1, 2. */
export type Axes = readonly [number, number, number];

/** Three-dimensional array, last axis fastest: index = i2 + n2 * (i1 + n1 * i0). */
export interface Array3<T extends VoxelArray = VoxelArray> {
  readonly data: T;
  readonly shape: Shape3;
}

export const elements = (shape: Shape3): number => shape[0] * shape[1] * shape[2];

export const sameShape = (a: Shape3, b: Shape3): boolean => AXES.every((axis) => a[axis] === b[axis]);

/** The shape with another length along one axis. */
export function withLength(shape: Shape3, axis: Axis, length: number): Shape3 {
  return [axis === 0 ? length : shape[0], axis === 1 ? length : shape[1], axis === 2 ? length : shape[2]];
}

/**
 * How one axis lies in memory: `outer` blocks, in each `length` steps along the axis, each of them `inner`
 * neighbouring elements wide.
 */
export function axisLayout(shape: Shape3, axis: Axis): { outer: number; length: number; inner: number } {
  const [n0, n1, n2] = shape;
  if (axis === 0) return { outer: 1, length: n0, inner: n1 * n2 };
  return axis === 1 ? { outer: n0, length: n1, inner: n2 } : { outer: n0 * n1, length: n2, inner: 1 };
}

export function permuted<T>(values: readonly [T, T, T], axes: Axes): [T, T, T] {
  const at = (axis: number) => values[axis] as T;
  return [at(axes[0]), at(axes[1]), at(axes[2])];
}
