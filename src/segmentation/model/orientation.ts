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
 */
export function arrangementTo(affine: Affine, orientation: string): Arrangement {
  if (orientation === 'as-stored') return { axes: [0, 1, 2], flipped: [false, false, false] };
  const wanted = orientation.split('').map((letter) => DIRECTIONS[letter] ?? ([0, 1] as const));
  const spacing = spacingOf(affine);
  /** Cosine between the volume's axis `from` (x, y, z) and the direction wanted for the model's axis `to`. */
  const cosine = (from: number, to: number) => {
    const [patientAxis, sense] = wanted[to] as readonly [number, number];
    return (sense * (affine[4 * patientAxis + from] as number)) / (spacing[from] as number);
  };
  const closeness = (axes: Axes) => axes.reduce((sum, from, to) => sum + Math.abs(cosine(from, to)), 0);
  const xyz = PERMUTATIONS.reduce((best, axes) => (closeness(axes) > closeness(best) + 1e-9 ? axes : best));
  const backwards = xyz.map((from, to) => cosine(from, to) < 0);
  // From x, y, z order to the arrays' z, y, x order.
  return {
    axes: [2 - xyz[2], 2 - xyz[1], 2 - xyz[0]],
    flipped: [backwards[2] === true, backwards[1] === true, backwards[0] === true],
  };
}

/** Spacing in mm along the axes of the rearranged array, slowest first. */
export function arrangedSpacing(
  volume: Pick<Volume, 'affine' | 'spacing'>,
  arrangement: Arrangement,
): [number, number, number] {
  const [x, y, z] = volume.spacing ?? spacingOf(volume.affine);
  return permuted([z, y, x], arrangement.axes);
}
