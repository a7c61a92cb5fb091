/**
 * Dice coefficient of two masks on the same grid, 0 to 1: twice what they share over what they hold together.
 * Two empty masks agree: 1.
 */
export function dice(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new RangeError(`masks of ${a.length} and ${b.length} voxels`);
  let shared = 0;
  let held = 0;
  for (let index = 0; index < a.length; index++) {
    const inA = a[index] !== 0;
    const inB = b[index] !== 0;
    if (inA && inB) shared++;
    held += Number(inA) + Number(inB);
  }
  return held === 0 ? 1 : (2 * shared) / held;
}
