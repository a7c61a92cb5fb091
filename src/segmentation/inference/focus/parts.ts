import type { Box } from '../../array-view.ts';
import type { Array3, Shape3 } from '../../array3.ts';
import { findComponents } from '../../components/components.ts';
import { boxBetween, grown, overlap, unite } from './box.ts';

/** A part of the foreground that hangs together. */
export interface Part {
  readonly box: Box;
  readonly voxels: number;
  /** Mean of the probability over its voxels. */
  readonly sureness: number;
  /** Stretches along the fastest axis: data indices in the array that it was found in. */
  readonly runs: readonly { readonly start: number; readonly end: number }[];
}

/** @param start where the array lies in the image, in whose indices the boxes are */
export function partsOf({ data, shape }: Array3<Float32Array>, start: Shape3): Part[] {
  const mask = Uint8Array.from(data, (value) => (value > 0.5 ? 1 : 0));
  const { runs, sizes } = findComponents({ data: mask, shape });
  const parts = sizes.map((voxels) => ({
    low: [...shape] as number[],
    high: [0, 0, 0],
    voxels,
    sum: 0,
    runs: [] as { start: number; end: number }[],
  }));
  for (const run of runs) {
    const part = parts[run.component];
    if (!part) continue;
    part.runs.push({ start: run.start, end: run.end });
    const row = Math.floor(run.start / shape[2]);
    const first = [Math.floor(row / shape[1]), row % shape[1], run.start % shape[2]];
    const end = [(first[0] ?? 0) + 1, (first[1] ?? 0) + 1, (first[2] ?? 0) + run.end - run.start];
    part.low = part.low.map((value, axis) => Math.min(value, first[axis] as number));
    part.high = part.high.map((value, axis) => Math.max(value, end[axis] as number));
    for (let i = run.start; i < run.end; i++) part.sum += data[i] as number;
  }
  const inImage = (place: readonly number[]): Shape3 => [
    start[0] + (place[0] as number),
    start[1] + (place[1] as number),
    start[2] + (place[2] as number),
  ];
  return parts.map(({ low, high, voxels, sum, runs: own }) => ({
    box: boxBetween(inImage(low), inImage(high)),
    voxels,
    sureness: sum / voxels,
    runs: own,
  }));
}

/** From this share of the largest part on, one beside it belongs to the organ. */
const SHARE = 0.1;

/**
 * The largest part, and those near it that are not small against it: a thin neck may be lost between head
 * and body.
 * @param reach in voxels along each axis
 */
export function organOf(parts: readonly Part[], reach: Shape3, shape: Shape3): readonly Part[] {
  const [largest, ...others] = parts.toSorted((a, b) => b.voxels - a.voxels);
  if (!largest) return [];
  const organ = [largest];
  let box = largest.box;
  const candidates = new Set(others.filter(({ voxels }) => voxels >= SHARE * largest.voxels));
  for (let before = -1; before !== organ.length; ) {
    before = organ.length;
    for (const part of candidates) {
      if (!overlap(grown(box, reach, shape), part.box)) continue;
      organ.push(part);
      candidates.delete(part);
      box = unite(box, part.box);
    }
  }
  return organ;
}

export const boxOf = (parts: readonly Part[]): Box | undefined =>
  parts.map(({ box }) => box).reduce<Box | undefined>((all, box) => (all ? unite(all, box) : box), undefined);
