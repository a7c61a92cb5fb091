import type { VoxelArray } from '../dicom/volume.ts';
import { type GreyWindow, percentiles, percentileWindow } from './grey-window.ts';

/** Windows that radiologists read abdominal CT with; center and width in HU. */
const CT_PRESETS = [
  { name: 'Abdomen', center: 50, width: 400 },
  { name: 'Pancreas', center: 80, width: 200 },
  { name: 'Soft tissue', center: 40, width: 600 },
  { name: 'Lung', center: -600, width: 1500 },
  { name: 'Bone', center: 400, width: 1800 },
] as const;

export function ctPresets(): GreyWindow[] {
  return CT_PRESETS.map(({ name, center, width }) => ({
    low: center - width / 2,
    high: center + width / 2,
    label: `${name} (W ${width} L ${center})`,
  }));
}

/** MR signal has no scale: windows are shares of its distribution. */
const MR_PRESETS = [
  { label: 'More contrast (5 to 95 %)', low: 5, high: 95 },
  { label: 'Full range', low: 0, high: 100 },
] as const;

/** The first is the one that key images have. */
export function mrPresets(voxels: VoxelArray, mask: Uint8Array): GreyWindow[] {
  const usual = { ...percentileWindow(voxels, mask), label: 'Signal (1 to 99 %)' };
  const others = MR_PRESETS.map(({ label, ...shares }) => ({
    ...percentiles(voxels, () => true, shares),
    label,
  }));
  return [usual, ...others.filter(({ low, high }) => high > low && Number.isFinite(high - low))];
}
