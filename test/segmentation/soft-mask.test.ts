import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confineToMask, softValue } from '../../src/segmentation/exporting/soft-mask.ts';

const SHAPE = [1, 1, 12] as const;
/** The last three were a part of the organ that postprocessing took away; 20 before them is faint and far. */
const SOFT = [0, 40, 70, 130, 200, 255, 190, 100, 0, 20, 140, 60];
const MASK = [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0];

describe('the probability in 255ths', () => {
  test('is at least 128 exactly where the probability is above one half', () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 1, noNaN: true }), (p) => {
        expect(softValue(p) >= 128).toBe(p > 0.5);
        expect(Math.abs(softValue(p) / 255 - p)).toBeLessThan(1 / 255);
      }),
    );
  });

  test('is kept where it hangs together with the mask, and nowhere else', () => {
    const data = Uint8Array.from(SOFT);
    confineToMask({ data, shape: SHAPE }, Uint8Array.from(MASK));
    expect([...data]).toEqual([0, 40, 70, 130, 200, 255, 190, 100, 0, 0, 0, 0]);
  });

  test('is zero where postprocessing took a voxel out of the mask, also beside what stayed', () => {
    const data = Uint8Array.of(200, 60, 200);
    confineToMask({ data, shape: [1, 1, 3] }, Uint8Array.of(1, 0, 0));
    expect([...data]).toEqual([200, 60, 0]);
  });

  test('gives how many voxels are clear, and how many are possible', () => {
    const range = confineToMask({ data: Uint8Array.from(SOFT), shape: SHAPE }, Uint8Array.from(MASK));
    expect(range).toEqual({ clear: 2, possible: 6 });
  });
});
