/**
 * The plane in which the section of an organ is largest, from the voxels that it has in each; among equals the one
 * nearest to its centroid. Undefined where all planes are empty.
 */
export function largestSection(counts: Uint32Array): number | undefined {
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
