import { elements, type Shape3 } from '../array3.ts';
import type { Predict } from '../inference/window.ts';

/** Places at which logits are kept: enough to notice any operator that goes astray, few enough to read. */
const PLACES = 64;

/**
 * How far logits may be from those at import, as a share of their standard deviation. Processors differ by
 * 1e-5 to 1e-4, tensor cores at reduced precision by up to 1e-2; a damaged or wrongly run network by about 1.
 */
const TOLERANCE = 0.02;

export const SELF_TEST_SEED = 1;

/** Logits at evenly spaced places, background and foreground alike, for a window of seeded noise. */
export async function selfTestLogits(predict: Predict, patchSize: Shape3, seed: number): Promise<number[]> {
  const logits = await predict(noise(elements(patchSize), seed));
  return Array.from({ length: PLACES }, (_, i) => {
    const place = Math.floor(((i + 0.5) * logits.length) / PLACES);
    // Seven digits: what single precision holds.
    return Number((logits[place] ?? Number.NaN).toPrecision(7));
  });
}

export interface SelfTestComparison {
  readonly passed: boolean;
  /** Largest difference, as a share of the expected logits' standard deviation. */
  readonly largestDifference: number;
  readonly tolerance: number;
}

/** Compares logits with those that were kept at import. */
export function compareLogits(found: readonly number[], expected: readonly number[]): SelfTestComparison {
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  const sd = Math.sqrt(expected.reduce((sum, value) => sum + (value - mean) ** 2, 0) / expected.length);
  const differences = expected.map((value, i) => Math.abs((found[i] ?? Number.NaN) - value));
  const largestDifference = Math.max(...differences) / sd;
  return {
    // A comparison with NaN is false: not passed.
    passed: found.length === expected.length && largestDifference <= TOLERANCE,
    largestDifference,
    tolerance: TOLERANCE,
  };
}

/**
 * Uniform between -sqrt(3) and sqrt(3), so of mean 0 and standard deviation 1: xorshift32, the same
 * everywhere.
 */
function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  // Zero would stay zero; the odd constant spreads small seeds over all bits.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = ((state >>> 0) / 2 ** 31 - 1) * Math.sqrt(3);
  }
  return values;
}
