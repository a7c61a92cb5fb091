import { type Volume, voxelVolumeMl } from '../dicom/volume.ts';
import type { Calibration } from './calibration.ts';
import { findComponents } from './components/components.ts';
import { type VolumeInterval, volumeInterval } from './volume-interval.ts';
import type { VoxelRange } from './voxel-range.ts';

export interface Measurement {
  readonly volumeMl: number;
  readonly voxelCount: number;
  /** What the true volume may be. Undefined where the probability is not known. */
  readonly volumeIntervalMl: VolumeInterval | undefined;
  /** Parts that hang together over shared faces. */
  readonly components: number;
  /**
   * Whether the mask reaches the first or last slice, so that some of the organ may lie outside the image.
   */
  readonly touchesFirstSlice: boolean;
  readonly touchesLastSlice: boolean;
  /**
   * Mean and population standard deviation of the image inside the mask: HU for CT. Undefined for an empty
   * mask.
   */
  readonly meanIntensity: number | undefined;
  readonly sdIntensity: number | undefined;
}

/**
 * Measures a mask (1 inside) that lies on the volume's own grid.
 * @param range of the network's softmax; undefined where the mask is not a network's
 * @param calibration of the model
 */
export function measure(
  volume: Volume,
  mask: Uint8Array,
  range?: VoxelRange,
  calibration?: Calibration,
): Measurement {
  const { voxels, size } = volume;
  if (mask.length !== voxels.length) {
    throw new RangeError(`the mask has ${mask.length} voxels, the volume ${voxels.length}`);
  }
  const [nx, ny, nz] = size;
  const { runs, sizes } = findComponents({ data: mask, shape: [nz, ny, nx] });
  const slice = nx * ny;
  let voxelCount = 0;
  let sum = 0;
  let touchesFirstSlice = false;
  let touchesLastSlice = false;
  for (const { start, end } of runs) {
    touchesFirstSlice ||= start < slice;
    touchesLastSlice ||= end > slice * (nz - 1);
    voxelCount += end - start;
    for (let i = start; i < end; i++) sum += voxels[i] as number;
  }
  const mean = sum / voxelCount;
  let squares = 0;
  for (const { start, end } of runs) {
    for (let i = start; i < end; i++) squares += ((voxels[i] as number) - mean) ** 2;
  }
  const isEmpty = voxelCount === 0;
  const voxelMl = voxelVolumeMl(volume.affine);
  const volumeMl = voxelCount * voxelMl;
  return {
    volumeMl,
    voxelCount,
    volumeIntervalMl:
      range &&
      volumeInterval(volumeMl, { low: range.clear * voxelMl, high: range.possible * voxelMl }, calibration),
    components: sizes.length,
    touchesFirstSlice,
    touchesLastSlice,
    meanIntensity: isEmpty ? undefined : mean,
    sdIntensity: isEmpty ? undefined : Math.sqrt(squares / voxelCount),
  };
}
