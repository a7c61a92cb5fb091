import type { Box } from '../../array-view.ts';
import type { Array3, Axis, Shape3 } from '../../array3.ts';
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
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) if ((data[i] as number) > 0.5) mask[i] = 1;
  const { runs, sizes } = findComponents({ data: mask, shape });
  const parts = sizes.map((voxels) => new GrowingPart(voxels, shape));
  for (const run of runs) parts[run.component]?.add(run, data);
  return parts.map((part) => part.placed(start));
}

/** Takes up the runs of a part; its indices are those of the array. */
class GrowingPart {
  readonly #voxels: number;
  readonly #shape: Shape3;
  readonly #low: [number, number, number];
  readonly #high: [number, number, number] = [0, 0, 0];
  readonly #runs: { start: number; end: number }[] = [];
  #sum = 0;

  constructor(voxels: number, shape: Shape3) {
    this.#voxels = voxels;
    this.#shape = shape;
    this.#low = [...shape];
  }

  add({ start, end }: { readonly start: number; readonly end: number }, data: Float32Array): void {
    this.#runs.push({ start, end });
    const [, n1, n2] = this.#shape;
    const row = Math.floor(start / n2);
    const first = start - row * n2;
    this.#include(0, Math.floor(row / n1), 1);
    this.#include(1, row % n1, 1);
    this.#include(2, first, end - start);
    for (let i = start; i < end; i++) this.#sum += data[i] as number;
  }

  #include(axis: Axis, index: number, length: number): void {
    if (index < this.#low[axis]) this.#low[axis] = index;
    if (index + length > this.#high[axis]) this.#high[axis] = index + length;
  }

  placed(start: Shape3): Part {
    const inImage = ([i, j, k]: Shape3): Shape3 => [start[0] + i, start[1] + j, start[2] + k];
    return {
      box: boxBetween(inImage(this.#low), inImage(this.#high)),
      voxels: this.#voxels,
      sureness: this.#sum / this.#voxels,
      runs: this.#runs,
    };
  }
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
