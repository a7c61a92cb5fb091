import type { Array3 } from '../array3.ts';
import { findComponents } from '../components/components.ts';
import { CLEAR_PROBABILITY, POSSIBLE_PROBABILITY, type VoxelRange } from '../voxel-range.ts';

/** What stands for a probability of 1 in a byte. */
const SOFT_MASK_FULL = 255;
/** From here on a byte stands for more than one half: the voxel belongs to the mask. */
const SOFT_MASK_INSIDE = 128;
/** What the network gives less than this is its background noise, and no part of the organ's edge. */
export const FAINT_PROBABILITY = 0.05;

const CLEAR = CLEAR_PROBABILITY * SOFT_MASK_FULL;
const POSSIBLE = POSSIBLE_PROBABILITY * SOFT_MASK_FULL;

/** A probability in 255ths, so that one above one half, and no other, gives at least 128. */
export function softValue(probability: number): number {
  const nearest = Math.round(probability * SOFT_MASK_FULL);
  return probability > 0.5 ? Math.max(nearest, SOFT_MASK_INSIDE) : Math.min(nearest, SOFT_MASK_INSIDE - 1);
}

/**
 * Confines probabilities, in place, to the organ: what does not hang together with the mask becomes 0, and so
 * does what postprocessing took out of the mask. Then at least 128 stands exactly where the mask is.
 * @param soft 255ths, 0 for what is faint; on the mask's grid
 */
export function confineToMask(soft: Array3<Uint8Array>, mask: Uint8Array): VoxelRange {
  const { runs } = findComponents(soft);
  const { data } = soft;
  const kept = new Set<number>();
  for (const { start, end, component } of runs) {
    if (!kept.has(component) && mask.subarray(start, end).includes(1)) kept.add(component);
  }
  let clear = 0;
  let possible = 0;
  for (const { start, end, component } of runs) {
    if (!kept.has(component)) data.fill(0, start, end);
    else {
      for (let i = start; i < end; i++) {
        const value = data[i] as number;
        if (value >= SOFT_MASK_INSIDE && mask[i] === 0) data[i] = 0;
        else if (value >= CLEAR) clear++;
        if ((data[i] as number) >= POSSIBLE) possible++;
      }
    }
  }
  return { clear, possible };
}
