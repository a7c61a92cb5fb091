import { type Affine, spacingOf, type Volume } from '../../dicom/volume.ts';
import type { Arrangement } from '../array-view.ts';
import { type Axes, permuted } from '../array3.ts';

/** Patient direction of each letter: axis of the LPS system and sense along it. */
const DIRECTIONS: Readonly<Record<string, readonly [axis: number, sense: 1 | -1]>> = {
  L: [0, 1],
  R: [0, -1],
  P: [1, 1],
  A: [1, -1],
  S: [2, 1],
  I: [2, -1],
};

const PERMUTATIONS: readonly Axes[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/**
 * 'LPS' and its like: for x, y and z the patient direction in which indices ascend; or the volume as it is
 * stored.
 */
export function isOrientation(text: string): boolean {
  if (text === 'as-stored') return true;
  const axes = text.split('').map((letter) => DIRECTIONS[letter]?.[0]);
  return axes.length === 3 && [0, 1, 2].every((axis) => axes.includes(axis));
}

/**
 * How a volume's axes have to be rearranged so that they run closest to the model's orientation: by whole
 * axes, never interpolated, so that an oblique volume stays oblique. For arrays in [z, y, x] order.
 *
 * @param affine voxel index to patient coordinates, LPS, mm
 * @param orientation as `isOrientation` accepts
 * @param closest which of the volume's axes are the closest; it matters for very oblique volumes
 */
export function arrangementTo(
  affine: Affine,
  orientation: string,
  closest: ClosestAxes = closestOnTheWhole,
): Arrangement {
  if (orientation === 'as-stored') return { axes: [0, 1, 2], flipped: [false, false, false] };
  const wanted = orientation.split('').map((letter) => DIRECTIONS[letter] ?? ([0, 1] as const));
  const spacing = spacingOf(affine);
  /** Cosine between the volume's axis `from` (x, y, z) and the direction wanted for the model's axis `to`. */
  const cosine = (from: number, to: number) => {
    const [patientAxis, sense] = wanted[to] as readonly [number, number];
    return (sense * (affine[4 * patientAxis + from] as number)) / (spacing[from] as number);
  };
  const xyz = closest(cosine);
  const backwards = xyz.map((from, to) => cosine(from, to) < 0);
  // From x, y, z order to the arrays' z, y, x order.
  return {
    axes: [2 - xyz[2], 2 - xyz[1], 2 - xyz[0]],
    flipped: [backwards[2] === true, backwards[1] === true, backwards[0] === true],
  };
}

/** The volume's axis for each of the model's, from the cosines between `from` and `to`. */
type ClosestAxes = (cosine: (from: number, to: number) => number) => Axes;

const closestOnTheWhole: ClosestAxes = (cosine) => {
  const closeness = (axes: Axes) => axes.reduce((sum, from, to) => sum + Math.abs(cosine(from, to)), 0);
  return PERMUTATIONS.reduce((best, axes) => (closeness(axes) > closeness(best) + 1e-9 ? axes : best));
};

/**
 * nibabel's io_orientation, which NibabelIOWithReorient of nnU-Net v2 turns images by: one of the volume's
 * axes after the other takes what is closest to it of the directions left, in the rotation that is nearest to
 * the volume's.
 */
export const closestInTurn: ClosestAxes = (cosine) => {
  const rotation = nearestRotation([0, 1, 2].map((to) => [0, 1, 2].map((from) => cosine(from, to))));
  const left = [0, 1, 2];
  const fromOf = [0, 0, 0];
  for (const from of [0, 1, 2]) {
    const size = (to: number) => Math.abs(rotation[to]?.[from] ?? 0);
    const to = left.reduce((best, other) => (size(other) > size(best) ? other : best));
    left.splice(left.indexOf(to), 1);
    fromOf[to] = from;
  }
  return [fromOf[0] ?? 0, fromOf[1] ?? 0, fromOf[2] ?? 0];
};

/** The orthogonal factor of the polar decomposition, by Newton's iteration (Higham 1986). */
function nearestRotation(matrix: readonly (readonly number[])[]): readonly (readonly number[])[] {
  let rotation = matrix;
  for (let i = 0; i < NEWTON_STEPS; i++) {
    const inverse = inverseTransposed(rotation);
    rotation = rotation.map((row, r) => row.map((value, c) => (value + (inverse[r]?.[c] ?? 0)) / 2));
  }
  return rotation;
}

/** It converges quadratically; axes of a volume are nearly at right angles to begin with. */
const NEWTON_STEPS = 10;

function inverseTransposed(m: readonly (readonly number[])[]): number[][] {
  const at = (r: number, c: number) => m[r % 3]?.[c % 3] ?? 0;
  const cofactor = (r: number, c: number) =>
    at(r + 1, c + 1) * at(r + 2, c + 2) - at(r + 1, c + 2) * at(r + 2, c + 1);
  const determinant = [0, 1, 2].reduce((sum, c) => sum + at(0, c) * cofactor(0, c), 0);
  return [0, 1, 2].map((r) => [0, 1, 2].map((c) => cofactor(r, c) / determinant));
}

/** Spacing in mm along the axes of the rearranged array, slowest first. */
export function arrangedSpacing(
  volume: Pick<Volume, 'affine' | 'spacing'>,
  arrangement: Arrangement,
): [number, number, number] {
  const [x, y, z] = volume.spacing ?? spacingOf(volume.affine);
  return permuted([z, y, x], arrangement.axes);
}
