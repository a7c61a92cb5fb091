import type { Box } from '../../array-view.ts';
import { AXES, type Shape3 } from '../../array3.ts';
import type { Spacing } from '../../resampling/resample.ts';
import type { Predict, WindowOptions } from '../window.ts';
import type { WindowedImage } from '../windowed-image.ts';
import { Blend } from './blend.ts';
import { findBody } from './body.ts';
import { grown } from './box.ts';
import { boxOf, organOf, partsOf } from './parts.ts';
import { WindowGrid } from './window-grid.ts';

/** An organ this large, and the network as sure of it, is taken for the one that was looked for. */
const PLAUSIBLE_ML = 10;
const PLAUSIBLE_SURENESS = 0.8;
/** What is as near to the organ has to be seen too: it may go on there. */
const AROUND_MM = 5;

export interface Search extends WindowOptions {
  readonly patchSize: Shape3;
  readonly spacing: Spacing;
  /** Distance between windows as a share of the patch. */
  readonly stepSize: number;
  /** Whether to look where no patient seems to be, too. */
  readonly everywhere: boolean;
  /** Less is no sign of an organ. */
  readonly leastMl: number;
  /** How far apart the pieces of one organ may lie, in voxels. */
  readonly reach: Shape3;
}

/**
 * Looks for the organ with windows that are not mirrored, from the middle of the patient outwards and over
 * what was found first, until a plausible organ is found and everything around it was seen.
 * @returns the organ's box; undefined where the whole image holds none
 */
export async function search(
  image: WindowedImage,
  predict: Predict,
  { patchSize, spacing, stepSize, everywhere, leastMl, reach, ...options }: Search,
): Promise<Box | undefined> {
  const { shape } = image;
  const grid = new WindowGrid(shape, patchSize, stepSize);
  const body = findBody(image);
  const distance = (corner: Shape3) =>
    Math.hypot(
      ...AXES.map((axis) => (corner[axis] + patchSize[axis] / 2 - body.middle[axis]) * spacing[axis]),
    );
  const open = grid.corners
    .filter((corner) => everywhere || body.isIn(corner, patchSize))
    .toSorted((a, b) => distance(a) - distance(b));
  const along = (axis: 0 | 1 | 2) => Math.ceil(AROUND_MM / spacing[axis]);
  const around: Shape3 = [along(0), along(1), along(2)];
  const voxelMl = (spacing[0] * spacing[1] * spacing[2]) / 1000;

  const blend = new Blend(image, patchSize, [], options);
  for (let found: Found | undefined; ; found = find(blend, reach, shape, { voxelMl, leastMl })) {
    const unseen = found && grid.unseen(grown(found.box, around, shape), open);
    const next = unseen ?? (found?.isPlausible ? undefined : open[0]);
    if (!next) return found?.box;
    open.splice(open.indexOf(next), 1);
    await blend.add(predict, next);
    grid.see(next);
  }
}

interface Sizes {
  readonly voxelMl: number;
  readonly leastMl: number;
}

interface Found {
  readonly box: Box;
  readonly isPlausible: boolean;
}

function find(blend: Blend, reach: Shape3, shape: Shape3, { voxelMl, leastMl }: Sizes): Found | undefined {
  const region = blend.foreground;
  if (!region) return undefined;
  const organ = organOf(partsOf(blend.probability(region), region.start), reach, shape);
  const [largest] = organ;
  const box = boxOf(organ);
  if (!box || !largest || largest.voxels * voxelMl < leastMl) return undefined;
  const isPlausible = largest.voxels * voxelMl >= PLAUSIBLE_ML && largest.sureness >= PLAUSIBLE_SURENESS;
  return { box, isPlausible };
}
