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

/** MR signal has no scale of its own: black and white are these shares of all voxels that are not air's zero. */
const PERCENTILES = { low: 1, high: 99 } as const;
/** More voxels would not move a percentile that anybody could see. */
const SAMPLE = 1_000_000;

/** A window from the distribution of a volume's values, for images without a scale. */
export function percentileWindow(voxels: VoxelArray): GreyWindow {
  const step = Math.max(1, Math.floor(voxels.length / SAMPLE));
  const sample = new Float32Array(Math.ceil(voxels.length / step));
  let count = 0;
  for (let i = 0; i < voxels.length; i += step) {
    const value = voxels[i] ?? 0;
    if (value !== 0 && Number.isFinite(value)) sample[count++] = value;
  }
  const values = sample.subarray(0, count).sort();
  const at = (percent: number): number => values[Math.round(((count - 1) * percent) / 100)] ?? 0;
  const [low, high] = [at(PERCENTILES.low), at(PERCENTILES.high)];
  const label = `Window: ${PERCENTILES.low}st to ${PERCENTILES.high}th percentile`;
  return { low, high: high > low ? high : low + 1, label };
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
