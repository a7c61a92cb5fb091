import type { NormalizationScheme } from '../model/model-info.ts';

/** nnU-Net v1 adds this to the standard deviation that it divides by. */
const SD_FLOOR = 1e-8;

/**
 * Normalizes intensities in place, as nnU-Net v1 does after resampling. CT: clipped to the training data's
 * percentiles, then their z-score. Others: the z-score of the image itself, or of the part inside `mask`, 0
 * outside it.
 *
 * @param mask 1 inside; for schemes with `useMaskForNorm`
 */
export function normalize(voxels: Float32Array, scheme: NormalizationScheme, mask?: Uint8Array): void {
  const inside = scheme.useMaskForNorm ? mask : undefined;
  if (scheme.scheme === 'CT') {
    clip(voxels, scheme.percentile_00_5, scheme.percentile_99_5);
    standardize(voxels, scheme.mean, scheme.sd);
  } else {
    const { mean, sd } = meanAndSd(voxels, inside);
    standardize(voxels, mean, sd + SD_FLOOR);
  }
  if (inside) zeroOutside(voxels, inside);
}

/** nnU-Net v2 divides by no less than this. */
const LEAST_SD = 1e-8;

/**
 * Normalizes intensities in place, as nnU-Net v2 does before resampling, all in single precision. What lies
 * outside the mask keeps its value.
 *
 * @param mask 1 inside; for z-scores with `useMaskForNorm`
 */
export function normalizeFirst(voxels: Float32Array, scheme: NormalizationScheme, mask?: Uint8Array): void {
  if (scheme.scheme === 'CT') {
    clip(voxels, Math.fround(scheme.percentile_00_5), Math.fround(scheme.percentile_99_5));
    standardizeInSingle(voxels, scheme.mean, scheme.sd);
    return;
  }
  const inside = scheme.useMaskForNorm ? mask : undefined;
  const { mean, sd } = meanAndSd(voxels, inside);
  standardizeInSingle(voxels, mean, Math.max(sd, LEAST_SD), inside);
}

/** Two operations on single precision, each rounded. */
function standardizeInSingle(voxels: Float32Array, mean: number, sd: number, mask?: Uint8Array): void {
  const [centre, unit] = [Math.fround(mean), Math.fround(sd)];
  for (let i = 0; i < voxels.length; i++)
    if (mask?.[i] !== 0) voxels[i] = Math.fround((voxels[i] as number) - centre) / unit;
}

/**
 * Mean and population standard deviation of all values, or of those inside a mask; 0 and 0 where there are
 * none.
 */
export function meanAndSd(
  values: ArrayLike<number>,
  mask?: Uint8Array,
): { mean: number; sd: number; count: number } {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (mask?.[i] === 0) continue;
    count++;
    sum += values[i] as number;
  }
  if (count === 0) return { mean: 0, sd: 0, count };
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    if (mask?.[i] !== 0) squares += ((values[i] as number) - mean) ** 2;
  }
  return { mean, sd: Math.sqrt(squares / count), count };
}

function clip(voxels: Float32Array, low: number, high: number): void {
  for (let i = 0; i < voxels.length; i++) {
    const value = voxels[i] as number;
    if (value < low) voxels[i] = low;
    else if (value > high) voxels[i] = high;
  }
}

function standardize(voxels: Float32Array, mean: number, sd: number): void {
  for (let i = 0; i < voxels.length; i++) voxels[i] = ((voxels[i] as number) - mean) / sd;
}

function zeroOutside(voxels: Float32Array, mask: Uint8Array): void {
  for (let i = 0; i < voxels.length; i++) if (mask[i] === 0) voxels[i] = 0;
}
