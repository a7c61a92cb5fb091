import type { Affine, Size, Volume, VoxelArray } from '../dicom/volume.ts';

export const VIEW_NAMES = ['axial', 'coronal', 'sagittal'] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

type Axis = 0 | 1 | 2;
const AXES = [0, 1, 2] as const satisfies readonly Axis[];

/** LPS, mm or without a unit. */
export type Vector = readonly [number, number, number];

/**
 * One plane of a volume's own grid, turned as radiologists look at it. No voxel is resampled: pixel (i, j) of
 * the view, counted from its upper left corner, is voxel `first + i * rightStep + j * downStep` of the
 * volume's array.
 */
export interface View {
  readonly name: ViewName;
  /** Grid axis across the plane (0 is x) and the plane's index on it. */
  readonly normal: Axis;
  readonly plane: number;
  readonly width: number;
  readonly height: number;
  readonly first: number;
  readonly rightStep: number;
  readonly downStep: number;
  /** From a pixel's centre to that of the next one to the right, and of the next one below, in mm. */
  readonly right: Vector;
  readonly down: Vector;
  /** Centre of the pixel in the upper left corner, in mm. */
  readonly corner: Vector;
}

/**
 * What points to the right and down in each view (PS3.3 C.7.6.1.1.1): the reader looks from the feet, from
 * the front, from the left.
 */
const LEFT: Vector = [1, 0, 0];
const POSTERIOR: Vector = [0, 1, 0];
const FEET: Vector = [0, 0, -1];
const LOOK: Readonly<Record<ViewName, { right: Vector; down: Vector }>> = {
  axial: { right: LEFT, down: POSTERIOR },
  coronal: { right: LEFT, down: FEET },
  sagittal: { right: POSTERIOR, down: FEET },
};

/**
 * The three views through an organ, each at the plane in which the organ's cross-section is largest; among
 * equals at the one nearest to the organ's centroid. The axes of an oblique grid count as the patient's axes
 * that they are nearest to.
 * @returns undefined for an empty mask
 */
export function viewsThrough({ size, affine }: Volume, mask: Uint8Array): readonly View[] | undefined {
  const planes = planesThrough(size, mask);
  return planes && VIEW_NAMES.map((name) => viewAt(name, planes, size, affine));
}

/** The planes of those views, as indices along the grid's axes; undefined for an empty mask. */
export function planesThrough(size: Size, mask: Uint8Array): [number, number, number] | undefined {
  const [x, y, z] = crossSections(mask, size).map(largestSection);
  return x === undefined || y === undefined || z === undefined ? undefined : [x, y, z];
}

/** @param planes where the three planes cross, as indices along the grid's axes */
export function viewAt(
  name: ViewName,
  planes: readonly [number, number, number],
  size: Size,
  affine: Affine,
): View {
  const { right, down } = LOOK[name];
  const [l, p, h] = nearestAxes(affine);
  const acrossAxis = right === LEFT ? l : p;
  const downAxis = down === POSTERIOR ? p : h;
  const normal = AXES.find((axis) => axis !== acrossAxis && axis !== downAxis) ?? 2;
  const across = directed(acrossAxis, right, size, affine);
  const downward = directed(downAxis, down, size, affine);
  const corner: [number, number, number] = [0, 0, 0];
  corner[normal] = planes[normal];
  corner[acrossAxis] = across.start;
  corner[downAxis] = downward.start;
  return {
    name,
    normal,
    plane: planes[normal],
    width: size[acrossAxis],
    height: size[downAxis],
    first: corner[0] + size[0] * (corner[1] + size[1] * corner[2]),
    rightStep: across.step,
    downStep: downward.step,
    right: across.vector,
    down: downward.vector,
    corner: patientPoint(affine, corner),
  };
}

/** Along which grid axis, and in which sense of it, a view runs. */
function directed(
  axis: Axis,
  towards: Vector,
  size: Size,
  affine: Affine,
): { start: number; step: number; vector: Vector } {
  const stride = [1, size[0], size[0] * size[1]][axis] ?? 1;
  const column = axisVector(affine, axis);
  return dot(column, towards) >= 0
    ? { start: 0, step: stride, vector: column }
    : { start: size[axis] - 1, step: -stride, vector: scaled(column, -1) };
}

const ORDERS: readonly (readonly [Axis, Axis, Axis])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/**
 * The grid axes that lie nearest to the patient's left-right, front-back and feet-head axis, each axis once.
 */
function nearestAxes(affine: Affine): readonly [Axis, Axis, Axis] {
  const alike = (order: readonly Axis[]): number =>
    order.reduce<number>((sum, axis, patientAxis) => {
      const vector = axisVector(affine, axis);
      return sum + Math.abs(vector[patientAxis] ?? 0) / length(vector);
    }, 0);
  return ORDERS.reduce((best, order) => (alike(order) > alike(best) ? order : best));
}

/** Voxels of the mask in each plane across each grid axis. */
function crossSections(mask: Uint8Array, [nx, ny, nz]: Size): readonly Uint32Array[] {
  const counts = [nx, ny, nz].map((n) => new Uint32Array(n));
  const [xs, ys, zs] = counts;
  if (!xs || !ys || !zs) return [];
  let index = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, index++) {
        if (mask[index] === 0) continue;
        xs[x] = (xs[x] ?? 0) + 1;
        ys[y] = (ys[y] ?? 0) + 1;
        zs[z] = (zs[z] ?? 0) + 1;
      }
    }
  }
  return counts;
}

/** Undefined where all planes are empty. */
function largestSection(counts: Uint32Array): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const centroid = counts.reduce((sum, count, plane) => sum + count * plane, 0) / total;
  let best = 0;
  for (let plane = 1; plane < counts.length; plane++) {
    const more = (counts[plane] ?? 0) - (counts[best] ?? 0);
    if (more > 0 || (more === 0 && Math.abs(plane - centroid) < Math.abs(best - centroid))) best = plane;
  }
  return best;
}

/** Pixels of a view from an array on the volume's grid, row by row from the upper left corner. */
export function viewPixels(
  voxels: VoxelArray,
  { width, height, first, rightStep, downStep }: View,
): Float32Array {
  const pixels = new Float32Array(width * height);
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      pixels[j * width + i] = voxels[first + i * rightStep + j * downStep] ?? 0;
    }
  }
  return pixels;
}

/** Where the centre of a pixel lies in the patient, in mm, LPS. */
export function pixelPoint({ corner, right, down }: View, i: number, j: number): Vector {
  return [
    corner[0] + i * right[0] + j * down[0],
    corner[1] + i * right[1] + j * down[1],
    corner[2] + i * right[2] + j * down[2],
  ];
}

/** Below this share of a direction, 10 degrees, readers are not told that it is oblique. */
const OBLIQUE_SHARE = 0.17;

/** The letters of a direction, the main one first (PS3.3 C.7.6.1.1.1): `L`, or `LA` for an oblique one. */
export function orientationLetters(direction: Vector): string {
  const whole = length(direction);
  return (
    [
      ['L', 'R'],
      ['P', 'A'],
      ['H', 'F'],
    ] as const
  )
    .map(([positive, negative], axis) => {
      const share = (direction[axis] ?? 0) / whole;
      return { letter: share >= 0 ? positive : negative, share: Math.abs(share) };
    })
    .filter(({ share }) => share >= OBLIQUE_SHARE)
    .sort((a, b) => b.share - a.share)
    .map(({ letter }) => letter)
    .join('');
}

function axisVector(affine: Affine, axis: Axis): Vector {
  return [affine[axis] ?? 0, affine[4 + axis] ?? 0, affine[8 + axis] ?? 0];
}

function patientPoint(affine: Affine, [x, y, z]: Vector): Vector {
  const row = (r: number): number =>
    (affine[r] ?? 0) * x + (affine[r + 1] ?? 0) * y + (affine[r + 2] ?? 0) * z + (affine[r + 3] ?? 0);
  return [row(0), row(4), row(8)];
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const scaled = ([x, y, z]: Vector, by: number): Vector => [x * by, y * by, z * by];

export const length = (vector: Vector): number => Math.hypot(...vector);
