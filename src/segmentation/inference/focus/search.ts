import type { Box } from '../../array-view.ts';
import { type Array3, AXES, type Shape3 } from '../../array3.ts';
import type { Spacing } from '../../resampling/resample.ts';
import { gridCorners } from '../sliding-window.ts';
import type { Predict, WindowOptions } from '../window.ts';
import { Blend } from './blend.ts';
import { findBody } from './body.ts';
import { endOf, grown } from './box.ts';
import { boxOf, organOf, partsOf } from './parts.ts';

/** An organ this large, and the network as sure of it, is taken for the one that was looked for. */
const PLAUSIBLE_ML = 10;
const PLAUSIBLE_SURENESS = 0.8;
/** Less is no sign of an organ. */
const LEAST_ML = 0.5;

export interface Search extends WindowOptions {
  readonly patchSize: Shape3;
  readonly spacing: Spacing;
  /** Distance between windows as a share of the patch. */
  readonly stepSize: number;
  /** Whether to look where no patient seems to be, too. */
  readonly everywhere: boolean;
  /** How far around what was found has to be seen, in voxels. */
  readonly margin: Shape3;
}

/**
 * Looks for the organ with windows that are not mirrored, from the middle of the patient outwards and over
 * what was found first, until a plausible organ is found and everything around it was seen.
 * @returns the organ's box; undefined where the whole image holds none
 */
export async function search(
  image: Array3<Float32Array>,
  predict: Predict,
  { patchSize, spacing, stepSize, everywhere, margin, ...options }: Search,
): Promise<Box | undefined> {
  const corners = gridCorners(image.shape, patchSize, stepSize);
  const middles = AXES.map((axis) => corners[axis].map((corner) => corner + patchSize[axis] / 2));
  const body = findBody(image);
  const voxelMl = (spacing[0] * spacing[1] * spacing[2]) / 1000;
  const distance = (cell: Shape3) =>
    Math.hypot(
      ...AXES.map((axis) => ((middles[axis]?.[cell[axis]] ?? 0) - body.middle[axis]) * spacing[axis]),
    );
  const cornerOf = (cell: Shape3): Shape3 => [
    corners[0][cell[0]] as number,
    corners[1][cell[1]] as number,
    corners[2][cell[2]] as number,
  ];
  /** The windows still to be looked at, the likeliest first: indices along the grid's axes. */
  let open = cellsOf(corners)

    .filter((cell) => everywhere || body.isIn(cornerOf(cell), patchSize))
    .toSorted((a, b) => distance(a) - distance(b));

  const blend = new Blend(image, patchSize, [], options);
  const find = () => {
    const region = blend.foreground;
    if (!region) return undefined;
    const organ = organOf(partsOf(blend.probability(region), region.start), margin, image.shape);
    const box = boxOf(organ);
    const [largest] = organ;
    if (!box || !largest || largest.voxels * voxelMl < LEAST_ML) return undefined;
    const isPlausible = largest.voxels * voxelMl >= PLAUSIBLE_ML && largest.sureness >= PLAUSIBLE_SURENESS;
    return { box, isPlausible };
  };
  /** Whether a window is the one whose middle is nearest to some voxel of a box. */
  const isNearest = (cell: Shape3, box: Box) =>
    AXES.every((axis) => {
      const own = middles[axis] as number[];
      const nearest = (index: number) => nearestOf(own, index);
      return nearest(box.start[axis]) <= cell[axis] && cell[axis] <= nearest(endOf(box)[axis] - 1);
    });

  let found: ReturnType<typeof find>;
  for (;;) {
    const around = found && grown(found.box, margin, image.shape);
    const next =
      (around && open.find((cell) => isNearest(cell, around))) ?? (found?.isPlausible ? undefined : open[0]);
    if (!next) return found?.box;
    open = open.filter((cell) => cell !== next);
    await blend.add(predict, cornerOf(next));
    found = find();
  }
}

function cellsOf([along0, along1, along2]: readonly [number[], number[], number[]]): Shape3[] {
  return along0.flatMap((_, i) => along1.flatMap((__, j) => along2.map((___, k): Shape3 => [i, j, k])));
}

function nearestOf(middles: readonly number[], index: number): number {
  let nearest = 0;
  for (const [i, middle] of middles.entries())
    if (Math.abs(middle - index) < Math.abs((middles[nearest] as number) - index)) nearest = i;
  return nearest;
}
