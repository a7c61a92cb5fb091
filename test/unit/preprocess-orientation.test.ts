import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Affine } from '../../src/dicom/volume.ts';
import { float32, inverse, rearrange, transposition } from '../../src/segmentation/array3.ts';
import {
  arrangedSpacing,
  arrangementTo,
  isOrientation,
} from '../../src/segmentation/preprocessing/orientation.ts';

/** Affine from the patient directions of the x, y and z axes, each times its spacing. */
function affineOf(x: readonly number[], y: readonly number[], z: readonly number[]): Affine {
  return [0, 1, 2]
    .flatMap((row) => [x[row] as number, y[row] as number, z[row] as number, 0])
    .concat(0, 0, 0, 1);
}

const AXIAL = affineOf([0.8, 0, 0], [0, 0.9, 0], [0, 0, 3]);
/** Columns run to the left, rows downwards to the feet, slices from back to front. */
const CORONAL = affineOf([0.8, 0, 0], [0, 0, -0.9], [0, -3, 0]);

describe('bringing a volume to the model orientation', () => {
  test('changes nothing where the axes already run that way', () => {
    const array = { data: float32(24), shape: [2, 3, 4] as const };
    expect(rearrange(array, arrangementTo(AXIAL, 'LPS'), float32)).toBe(array);
    expect(rearrange(array, arrangementTo(CORONAL, 'as-stored'), float32)).toBe(array);
  });

  test('turns a coronal volume by whole axes', () => {
    const arrangement = arrangementTo(CORONAL, 'LPS');
    expect(arrangedSpacing(CORONAL, arrangement)).toEqual([0.9, 3, 0.8]);
    // [z, y, x] = [2 slices, 3 rows, 4 columns]; the value names its place.
    const shape = [2, 3, 4] as const;
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const turned = rearrange({ data, shape }, arrangement, float32);
    expect(turned.shape).toEqual([3, 2, 4]);
    // First voxel: lowest (last row) and frontmost (last slice).
    expect([...turned.data.subarray(0, 4)]).toEqual([20, 21, 22, 23]);
    // Last voxel: highest (first row) and backmost (first slice).
    expect([...turned.data.subarray(20, 24)]).toEqual([0, 1, 2, 3]);
  });

  test('flips x and y for RAS', () => {
    expect(arrangementTo(AXIAL, 'RAS')).toEqual({ axes: [0, 1, 2], flipped: [false, true, true] });
  });

  test('takes the closest axes of an oblique volume', () => {
    const [cos, sin] = [Math.cos(0.6), Math.sin(0.6)];
    const oblique = affineOf([cos, sin, 0], [-sin, cos, 0], [0, 0, -2]);
    expect(arrangementTo(oblique, 'LPS')).toEqual({ axes: [0, 1, 2], flipped: [true, false, false] });
  });
});

test('an orientation is three letters of different axes, or as-stored', () => {
  const tried = ['LPS', 'RAS', 'SPL', 'as-stored', 'LRS', 'LP', 'LPSA', 'XYZ', 'lps'];
  expect(tried.filter(isOrientation)).toEqual(['LPS', 'RAS', 'SPL', 'as-stored']);
});

test('a transposition is that of numpy', () => {
  const array = { data: Float32Array.from({ length: 24 }, (_, i) => i), shape: [2, 3, 4] as const };
  const { data, shape } = rearrange(array, transposition([2, 0, 1]), float32);
  expect(shape).toEqual([4, 2, 3]);
  expect([...data.subarray(0, 7)]).toEqual([0, 4, 8, 12, 16, 20, 1]);
});

test('the inverse brings every voxel back', () => {
  const axes = fc.constantFrom(
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ) as fc.Arbitrary<[number, number, number]>;
  const flips = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  const data = Float32Array.from({ length: 24 }, (_, i) => i);
  fc.assert(
    fc.property(axes, flips, (order, flipped) => {
      const arrangement = { axes: order, flipped };
      const there = rearrange({ data, shape: [2, 3, 4] }, arrangement, float32);
      const back = rearrange(there, inverse(arrangement), float32);
      expect(back).toEqual({ data, shape: [2, 3, 4] });
    }),
  );
});
