import { describe, expect, test } from 'vitest';
import type { Volume } from '../../src/dicom/volume.ts';
import { measure } from '../../src/segmentation/measure.ts';

const size = [4, 3, 3] as const;
const at = (x: number, y: number, z: number) => x + 4 * (y + 3 * z);
const volume: Volume = {
  voxels: Int16Array.from({ length: 36 }, (_, i) => 10 * i),
  size,
  affine: [2, 0, 0, 5, 0, 2.5, 0, 6, 0, 0, 10, 7, 0, 0, 0, 1],
};

function maskOf(...indices: number[]): Uint8Array {
  const mask = new Uint8Array(36);
  for (const index of indices) mask[index] = 1;
  return mask;
}

describe('measuring a mask', () => {
  test('counts voxels times the volume of one, in ml', () => {
    const { volumeMl, voxelCount } = measure(volume, maskOf(at(1, 1, 1), at(2, 1, 1), at(3, 1, 1)));
    expect(voxelCount).toBe(3);
    expect(volumeMl).toBeCloseTo(3 * 0.05, 12);
  });

  test('takes a sheared grid for what it is', () => {
    const sheared = { ...volume, affine: [2, 0, 3, 5, 0, 2.5, 0, 6, 0, 0, 10, 7, 0, 0, 0, 1] };
    expect(measure(sheared, maskOf(at(1, 1, 1))).volumeMl).toBeCloseTo(0.05, 12);
  });

  test('gives mean and population standard deviation of the intensities inside', () => {
    const voxels = Int16Array.from(volume.voxels, () => 1000);
    voxels[at(0, 0, 1)] = -10;
    voxels[at(1, 0, 1)] = 30;
    const { meanIntensity, sdIntensity } = measure({ ...volume, voxels }, maskOf(at(0, 0, 1), at(1, 0, 1)));
    expect(meanIntensity).toBe(10);
    expect(sdIntensity).toBe(20);
  });

  test('counts parts that touch at an edge or corner as several', () => {
    expect(measure(volume, maskOf(at(0, 0, 1), at(1, 0, 1), at(2, 1, 1))).components).toBe(2);
    expect(measure(volume, maskOf(at(1, 1, 0), at(1, 1, 1), at(1, 1, 2))).components).toBe(1);
  });

  test.each([
    ['the first slice', at(3, 2, 0), true, false],
    ['no end', at(0, 0, 1), false, false],
    ['no end, however close to it', at(3, 2, 1), false, false],
    ['the last slice', at(0, 0, 2), false, true],
  ])('says that it touches %s', (_, index, first, last) => {
    const { touchesFirstSlice, touchesLastSlice } = measure(volume, maskOf(index));
    expect([touchesFirstSlice, touchesLastSlice]).toEqual([first, last]);
  });

  test('of nothing gives zeros and no mean', () => {
    expect(measure(volume, maskOf())).toEqual({
      volumeMl: 0,
      voxelCount: 0,
      components: 0,
      touchesFirstSlice: false,
      touchesLastSlice: false,
      meanIntensity: undefined,
      sdIntensity: undefined,
    });
  });

  test('refuses a mask of another size', () => {
    expect(() => measure(volume, new Uint8Array(35))).toThrow('the mask has 35 voxels, the volume 36');
  });
});
