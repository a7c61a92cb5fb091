import type { Array3 } from '../array3.ts';
import { findComponents } from '../components/components.ts';

/**
 * Removes, in place, all but the largest connected component; all that tie for largest stay
 * (nnU-Net v1 `remove_all_but_the_largest_connected_component`).
 */
export function keepLargestComponents(mask: Array3<Uint8Array>): void {
  const { runs, sizes } = findComponents(mask);
  let largest = 0;
  for (const size of sizes) largest = Math.max(largest, size);
  for (const { start, end, component } of runs) {
    if (sizes[component] !== largest) mask.data.fill(0, start, end);
  }
}
