import { text } from '../reading/dataset.ts';
import type { ImageFrame } from './image-frame.ts';
import { heightAlong, normalOf, type Vector } from './plane-height.ts';

/** A part of a series, by the names that tell it from others. */
interface Part {
  readonly name: string;
  readonly frames: readonly ImageFrame[];
}

/** Slices that are farther from a stack than this, in steps of it, are a stack of their own. */
const NEAR_STEPS = 3.5;
/** A slice stands on the grid of a stack where it is no farther from a place of it, in steps. */
const ON_GRID_STEPS = 0.1;
/** A gap of more steps than this lacks a slice. */
const GAP_STEPS = 1.5;
/** Below, there is no step to go by. */
const FEWEST_SLICES = 3;

/**
 * Why a part of a series is but a piece of something larger: where its slices should go on, or in its gaps,
 * stand images that are of another kind, size or coordinate system. Undefined where it is complete in itself:
 * where the others lie elsewhere, at the same places, or between its own.
 * @param others parts of the same series whose images look in the same direction
 */
export function pieceProblem(part: Part, others: readonly Part[]): string | undefined {
  const foreign = others.filter((other) => frameOfReference(other) !== frameOfReference(part));
  if (foreign.some((other) => isLikeIt(part, other))) {
    const count = new Set([part, ...others].map(frameOfReference)).size;
    return `the images of its series lie in ${count} coordinate systems (FrameOfReferenceUID)`;
  }
  const pieces = others.filter((other) => goesOnIn(part, other));
  if (pieces.length === 0) return undefined;
  const words = pieces.map(({ name, frames }) => `${frames.length} of ${name}`).join(', ');
  return `other images of its series stand where its own should go on (${words})`;
}

const frameOfReference = ({ frames: [first] }: Part): string | undefined =>
  first && text(first.attributes, 'FrameOfReferenceUID');

const isLikeIt = ({ frames: [a] }: Part, { frames: [b] }: Part): boolean =>
  ['Rows', 'Columns', 'SOPClassUID'].every(
    (keyword) => a && b && text(a.attributes, keyword) === text(b.attributes, keyword),
  );

function goesOnIn(part: Part, other: Part): boolean {
  const normal = part.frames[0] && normalOf(part.frames[0].attributes);
  if (!normal || part.frames.length < FEWEST_SLICES) return false;
  const own = heights(part, normal);
  const theirs = heights(other, normal);
  const gaps = own.slice(1).map((height, i) => height - (own[i] ?? 0));
  const step = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0;
  if (!(step > 0)) return false;
  const near = ON_GRID_STEPS * step;
  // Phases, echoes and reconstructions of one region share places.
  if (theirs.some((height) => own.some((mine) => Math.abs(mine - height) < near))) return false;
  const isOnGrid = (from: number, height: number) => {
    const steps = Math.abs(height - from) / step;
    return steps <= NEAR_STEPS && Math.abs(steps - Math.round(steps)) <= ON_GRID_STEPS;
  };
  const [low = 0, high = 0] = [own[0], own.at(-1)];
  const below = theirs.findLast((height) => height < low);
  const above = theirs.find((height) => height > high);
  const inGap = own.some((height, i) => {
    const gap = gaps[i] ?? 0;
    return gap > GAP_STEPS * step && theirs.some((one) => one > height && one < height + gap);
  });
  return (
    inGap || (below !== undefined && isOnGrid(low, below)) || (above !== undefined && isOnGrid(high, above))
  );
}

function heights({ frames }: Part, normal: Vector): number[] {
  return frames.flatMap(({ attributes }) => heightAlong(normal, attributes) ?? []).sort((a, b) => a - b);
}
