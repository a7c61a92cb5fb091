import { describe, expect, test } from 'vitest';
import { resampleImage } from '../../src/segmentation/resampling/resample.ts';
import { resampleAs, separateAxisAs } from '../../src/segmentation/resampling/resample-as.ts';
import type { Resampling } from '../../src/segmentation/resampling/resampling.ts';

const PLANNED: Resampling = { order: 3, orderZ: 0, forceSeparateZ: null };

describe("nnU-Net v2's separate axis", () => {
  const coarse = [5, 1, 1] as const;
  const fine = [2, 1, 1] as const;
  test.each<[string, Partial<Resampling>, readonly [number, number, number], number | undefined]>([
    ['is the coarse one of the first spacing', {}, coarse, 0],
    ['is none where spacings are alike', {}, fine, undefined],
    ['is none where that is forced', { forceSeparateZ: false }, coarse, undefined],
    ['is the coarsest where that is forced', { forceSeparateZ: true }, fine, 0],
    ['is none where two are the coarsest, even forced', { forceSeparateZ: true }, [2, 2, 1], undefined],
    ['needs the ratio that is given', { anisotropy: 1.5 }, fine, 0],
  ])('%s', (_, settings, from, expected) => {
    expect(separateAxisAs({ ...PLANNED, ...settings }, from, [1, 1, 1])).toBe(expected);
  });
});

describe('resampling with the arguments of plans', () => {
  const image = {
    data: Float32Array.from({ length: 3 * 4 * 5 }, (_, i) => Math.sin(i * i)),
    shape: [3, 4, 5] as const,
  };

  test('is that of v1 for what nnU-Net plans', () => {
    for (const separate of [undefined, 0] as const)
      expect(resampleAs(image, [4, 6, 5], separate, PLANNED)).toEqual(
        resampleImage(image, [4, 6, 5], separate),
      );
  });

  const row = { data: Float32Array.of(0, 8), shape: [1, 1, 2] as const };
  test.each<[Resampling['order'], readonly number[]]>([
    [0, [0, 0, 8, 8]],
    [1, [0, 2, 6, 8]],
  ])('of order %i', (order, expected) => {
    expect([...resampleAs(row, [1, 1, 4], undefined, { ...PLANNED, order }).data]).toEqual(expected);
    // Along the separate axis its own order counts.
    expect([...resampleAs(row, [1, 1, 4], 2, { ...PLANNED, orderZ: order }).data]).toEqual(expected);
  });

  test('clips a spline to the range of its input, but for the separate axis', () => {
    const step = { data: Float32Array.of(0, 0, 0, 9, 9, 9), shape: [1, 1, 6] as const };
    const clipped = resampleAs(step, [1, 1, 12], undefined, PLANNED).data;
    expect(Math.max(...clipped)).toBe(9);
    const free = resampleAs(step, [1, 1, 12], 2, { ...PLANNED, orderZ: 3 }).data;
    expect(Math.max(...free)).toBeGreaterThan(9.1);
  });
});
