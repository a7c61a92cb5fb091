import type { Volume } from '../dicom/volume.ts';
import { findComponents } from './components/components.ts';

/** What a segmentation of the pancreas looks like, and what speaks against it. */
export const APPEARANCES = ['plausible', 'nothing', 'border', 'parts', 'small', 'large', 'unsure'] as const;
export type Appearance = (typeof APPEARANCES)[number];

/**
 * Adults' glands measure some 15 to 200 ml (see `qualityFlags`), swollen ones more; outside, it is rather
 * something else.
 */
const PLAUSIBLE_ML = { least: 15, most: 250 } as const;
/** Of the voxels found, the largest part has at least this share. */
const DOMINANT = 0.8;
/** Mean probability inside; a network that guesses stays near one half. */
const SURE = 0.75;
const FULL = 255;

/**
 * Whether one plausible pancreas was found: one dominant part that does not touch the border of the image, of
 * an organ's size, of which the network is sure.
 * @param mask 1 inside
 * @param softMask probability in 255ths; see `Segmentation.softMask`
 */
export function appearanceOf(
  { size }: Pick<Volume, 'size'>,
  { mask, softMask, volumeMl }: { mask: Uint8Array; softMask: Uint8Array; volumeMl: number },
): Appearance {
  const [nx, ny, nz] = size;
  const { runs, sizes } = findComponents({ data: mask, shape: [nz, ny, nx] });
  const voxels = sizes.reduce((sum, one) => sum + one, 0);
  if (voxels === 0) return 'nothing';
  let sum = 0;
  let isAtBorder = false;
  for (const { start, end } of runs) {
    const row = Math.floor(start / nx);
    const [y, z] = [row % ny, Math.floor(row / ny)];
    const x = start - row * nx;
    isAtBorder ||= x === 0 || x + end - start === nx || y === 0 || y === ny - 1 || z === 0 || z === nz - 1;
    for (let i = start; i < end; i++) sum += softMask[i] as number;
  }
  if (isAtBorder) return 'border';
  if (Math.max(...sizes.slice(0, MOST_PARTS)) < DOMINANT * voxels) return 'parts';
  if (volumeMl < PLAUSIBLE_ML.least) return 'small';
  if (volumeMl > PLAUSIBLE_ML.most) return 'large';
  return sum / voxels / FULL < SURE ? 'unsure' : 'plausible';
}

/** As many arguments are safe; a mask of more parts has no dominant one. */
const MOST_PARTS = 10_000;
