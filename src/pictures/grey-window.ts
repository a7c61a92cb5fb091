import type { VoxelArray } from '../dicom/volume.ts';

/** Values from `low` to `high` are shown from black to white. */
export interface GreyWindow {
  readonly low: number;
  readonly high: number;
  /** As readers know it. */
  readonly label: string;
}

/** The usual abdominal soft tissue window, in HU. */
const ABDOMEN = { center: 50, width: 400 } as const;

export const ABDOMEN_WINDOW: GreyWindow = {
  low: ABDOMEN.center - ABDOMEN.width / 2,
  high: ABDOMEN.center + ABDOMEN.width / 2,
  label: `W ${ABDOMEN.width} L ${ABDOMEN.center}`,
};

/** MR signal has no scale of its own: black and white are these shares of all voxels that are not zero. */
const PERCENTILES = { low: 1, high: 99 } as const;
const PERCENTILE_LABEL = 'Window by percentiles of the signal';
/** More voxels would not move a percentile that anybody could see. */
const SAMPLE = 1_000_000;

/**
 * A window for images without a scale, from the distribution of a volume's values; wide enough that the organ
 * is not all white or black in it.
 */
export function percentileWindow(voxels: VoxelArray, mask: Uint8Array): GreyWindow {
  const all = percentiles(voxels, () => true);
  const organ = percentiles(voxels, (index) => mask[index] !== 0);
  const low = Math.min(all.low, organ.low);
  const high = Math.max(all.high, organ.high);
  if (!(high > low)) return { low: 0, high: 1, label: PERCENTILE_LABEL };
  return { low, high, label: PERCENTILE_LABEL };
}

/** Infinite, so that they widen nothing, where there are no values. */
export function percentiles(
  voxels: VoxelArray,
  wanted: (index: number) => boolean,
  shares: { readonly low: number; readonly high: number } = PERCENTILES,
): { low: number; high: number } {
  const sample: number[] = [];
  const step = Math.max(1, Math.floor(voxels.length / SAMPLE));
  for (let i = 0; i < voxels.length; i += step) {
    const value = voxels[i] ?? 0;
    if (value !== 0 && Number.isFinite(value) && wanted(i)) sample.push(value);
  }
  const values = Float32Array.from(sample).sort();
  const at = (percent: number, otherwise: number): number =>
    values[Math.round(((values.length - 1) * percent) / 100)] ?? otherwise;
  return {
    low: at(shares.low, Number.POSITIVE_INFINITY),
    high: at(shares.high, Number.NEGATIVE_INFINITY),
  };
}

/** Grey values 0 to 255 as RGBA. */
export function toGrey(pixels: Float32Array, { low, high }: GreyWindow): Uint8ClampedArray {
  const rgba = new Uint8ClampedArray(pixels.length * 4);
  const scale = 255 / (high - low);
  for (const [index, value] of pixels.entries()) {
    rgba.fill((value - low) * scale, index * 4, index * 4 + 3);
    rgba[index * 4 + 3] = 255;
  }
  return rgba;
}
