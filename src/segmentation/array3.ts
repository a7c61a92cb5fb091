import type { VoxelArray } from '../dicom/volume.ts';

/** Lengths of the three axes, slowest first: [z, y, x], or whatever order the network's axes have. */
export type Shape3 = readonly [number, number, number];

/** A permutation of the axes 0, 1, 2. */
export type Axes = readonly [number, number, number];

/** Three-dimensional array, last axis fastest: index = i2 + n2 * (i1 + n1 * i0). */
export interface Array3<T extends VoxelArray = VoxelArray> {
  readonly data: T;
  readonly shape: Shape3;
}

/** Whole-axis rearrangement: result axis i runs along source axis `axes[i]`, backwards where `flipped[i]`. */
export interface Arrangement {
  readonly axes: Axes;
  readonly flipped: readonly [boolean, boolean, boolean];
}

/** The permutation of numpy.transpose: result axis i is source axis `axes[i]`. */
export function transposition(axes: Axes): Arrangement {
  return { axes, flipped: [false, false, false] };
}

/** The arrangement that undoes another. */
export function inverse({ axes, flipped }: Arrangement): Arrangement {
  const from = (axis: number) => axes.indexOf(axis);
  return {
    axes: [from(0), from(1), from(2)],
    flipped: [flipped[from(0)] === true, flipped[from(1)] === true, flipped[from(2)] === true],
  };
}

export function permuted<T>(values: readonly [T, T, T], axes: Axes): [T, T, T] {
  const at = (axis: number) => values[axis] as T;
  return [at(axes[0]), at(axes[1]), at(axes[2])];
}

function isIdentity({ axes, flipped }: Arrangement): boolean {
  return axes.every((axis, i) => axis === i) && !flipped.includes(true);
}

/**
 * Applies an arrangement; values are moved, never interpolated. The source itself comes back where nothing
 * changes.
 */
export function rearrange<T extends VoxelArray>(
  source: Array3<T>,
  arrangement: Arrangement,
  allocate: (length: number) => T,
): Array3<T> {
  if (isIdentity(arrangement)) return source;
  const { axes, flipped } = arrangement;
  const strides = [source.shape[1] * source.shape[2], source.shape[2], 1] as const;
  const shape = permuted(source.shape, axes);
  const steps = permuted(strides, axes).map((step, i) => (flipped[i] ? -step : step));
  const [step0 = 0, step1 = 0, step2 = 0] = steps;
  let origin = 0;
  for (let axis = 0; axis < 3; axis++) {
    const step = steps[axis] as number;
    if (step < 0) origin -= step * ((shape[axis] as number) - 1);
  }
  const from = source.data;
  const to = allocate(from.length);
  let target = 0;
  for (let i = 0; i < shape[0]; i++) {
    for (let j = 0; j < shape[1]; j++) {
      let index = origin + i * step0 + j * step1;
      for (let k = 0; k < shape[2]; k++, index += step2) to[target++] = from[index] as number;
    }
  }
  return { data: to, shape };
}

export const float32 = (length: number): Float32Array => new Float32Array(length);
export const uint8 = (length: number): Uint8Array => new Uint8Array(length);

export const elements = (shape: Shape3): number => shape[0] * shape[1] * shape[2];
