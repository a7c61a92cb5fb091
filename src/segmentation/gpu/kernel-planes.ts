/** The sum of a kernel's planes along depth, each with its coefficient. */
export interface Combination {
  readonly coefficients: readonly number[];
}

/** Planes as float32 at most: a factor of 1/6 and what single precision makes of it. */
const NOTHING = 1e-9;

/** How many planes the combinations speak of. */
export function depthOf(combinations: readonly Combination[]): number {
  return combinations[0]?.coefficients.length ?? 0;
}

/**
 * A kernel's planes out of combinations of them: one that holds a plane alone, or two that differ in it
 * alone, as Winograd's do. Exact in the first case, else to a rounding in single precision. A plane that no
 * combination holds meets no slice of the volume: zeros.
 *
 * @param name of the kernel, for the message
 * @throws {Error} a plane can't be told
 */
export function planesOutOf<T extends Combination>(
  name: string,
  depth: number,
  combinations: readonly T[],
  valuesOf: (combination: T) => Float32Array,
): Float32Array[] {
  const values = combinations.map(valuesOf);
  return Array.from({ length: depth }, (_, z) => {
    const terms = termsOf(z, combinations);
    if (!terms) throw new Error(`${name}: plane ${z} of its kernel can't be told`);
    const plane = new Float32Array(values[0]?.length ?? 0);
    // In double precision: a difference of two is rounded once.
    const sums = new Float64Array(terms.length > 1 ? plane.length : 0);
    for (const [index, factor] of terms) {
      const part = values[index] as Float32Array;
      const target = terms.length > 1 ? sums : plane;
      for (let i = 0; i < target.length; i++) {
        target[i] = (target[i] as number) + factor * (part[i] as number);
      }
    }
    if (terms.length > 1) plane.set(sums);
    return plane;
  });
}

type Term = readonly [index: number, factor: number];

/** Which combinations, times what, give the plane alone; undefined where none do. */
function termsOf(z: number, combinations: readonly Combination[]): readonly Term[] | undefined {
  const alone = combinations.findIndex(({ coefficients }) => isAlone(coefficients, z));
  if (alone >= 0) return [[alone, 1 / (combinations[alone]?.coefficients[z] as number)]];
  for (const [i, { coefficients: a }] of combinations.entries()) {
    for (const [j, { coefficients: b }] of combinations.entries()) {
      const difference = a.map((value, at) => value - (b[at] as number));
      if (isAlone(difference, z)) {
        const factor = 1 / (difference[z] as number);
        return [
          [i, factor],
          [j, -factor],
        ];
      }
    }
  }
  return combinations.every(({ coefficients }) => coefficients[z] === 0) ? [] : undefined;
}

const isAlone = (coefficients: readonly number[], z: number): boolean =>
  coefficients.every((value, at) => Math.abs(value) > NOTHING === (at === z));
