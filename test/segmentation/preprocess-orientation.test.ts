import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Affine } from '../../src/dicom/volume.ts';
import {
  type Arrangement,
  indexIn,
  readView,
  transposed,
  viewOf,
} from '../../src/segmentation/array-view.ts';
import type { Shape3 } from '../../src/segmentation/array3.ts';
import {
  arrangedSpacing,
  arrangementTo,
  closestInTurn,
  isOrientation,
} from '../../src/segmentation/model/orientation.ts';

/** Affine from the patient directions of the x, y and z axes, each times its spacing. */
function affineOf(x: readonly number[], y: readonly number[], z: readonly number[]): Affine {
  return [0, 1, 2]
    .flatMap((row) => [x[row] as number, y[row] as number, z[row] as number, 0])
    .concat(0, 0, 0, 1);
}

const AXIAL = affineOf([0.8, 0, 0], [0, 0.9, 0], [0, 0, 3]);
/** Columns run to the left, rows downwards to the feet, slices from back to front. */
const CORONAL = affineOf([0.8, 0, 0], [0, 0, -0.9], [0, -3, 0]);

/** The whole of an array of 2 x 3 x 4, whose values name their places, as it looks rearranged. */
const SHAPE: Shape3 = [2, 3, 4];
const DATA = Float32Array.from({ length: 24 }, (_, i) => i);
function rearranged(arrangement: Arrangement) {
  const view = viewOf(SHAPE, { start: [0, 0, 0], shape: SHAPE }, arrangement);
  return { data: readView(DATA, view), shape: view.shape, view };
}

describe('bringing a volume to the model orientation', () => {
  test('changes nothing where the axes already run that way', () => {
    expect(rearranged(arrangementTo(AXIAL, 'LPS')).data).toEqual(DATA);
    expect(rearranged(arrangementTo(CORONAL, 'as-stored')).data).toEqual(DATA);
  });

  test('turns a coronal volume by whole axes', () => {
    const arrangement = arrangementTo(CORONAL, 'LPS');
    expect(arrangedSpacing({ affine: CORONAL }, arrangement)).toEqual([0.9, 3, 0.8]);
    // The spacing that a source states goes before the lengths of the affine's columns.
    expect(arrangedSpacing({ affine: CORONAL, spacing: [1, 2, 3] }, arrangement)).toEqual([2, 3, 1]);
    // [z, y, x] = [2 slices, 3 rows, 4 columns]; the value names its place.
    const turned = rearranged(arrangement);
    expect(turned.shape).toEqual([3, 2, 4]);
    // First voxel: lowest (last row) and frontmost (last slice).
    expect([...turned.data.subarray(0, 4)]).toEqual([20, 21, 22, 23]);
    // Last voxel: highest (first row) and backmost (first slice).
    expect([...turned.data.subarray(20, 24)]).toEqual([0, 1, 2, 3]);
  });

  test('flips x and y for RAS', () => {
    expect(arrangementTo(AXIAL, 'RAS')).toEqual({ axes: [0, 1, 2], flipped: [false, true, true] });
  });

  test('takes the axes that nibabel takes where a volume is very oblique, if it is asked to', () => {
    // In RAS, x and y lie nearly as close to R as to each other; io_orientation gives R, S, A, all backwards.
    const x = [-0.6972, 0.194, 0.6901] as const;
    const y = [-0.7055, -0.3562, -0.6127] as const;
    const z = [0.1269, -0.9141, 0.3852] as const;
    const lps = ([r, a, s]: readonly [number, number, number]) => [-2 * r, -2 * a, 2 * s];
    const affine = affineOf(lps(x), lps(y), lps(z));
    expect(arrangementTo(affine, 'RAS', closestInTurn)).toEqual({
      axes: [1, 0, 2],
      flipped: [true, true, true],
    });
    expect(arrangementTo(affine, 'RAS').axes).toEqual([2, 0, 1]);
    expect(arrangementTo(CORONAL, 'LPS', closestInTurn)).toEqual(arrangementTo(CORONAL, 'LPS'));
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

test('a transposition is that of numpy, after what went before', () => {
  const asStored = { axes: [0, 1, 2], flipped: [false, false, false] } as const;
  const { data, shape } = rearranged(transposed(asStored, [2, 0, 1]));
  expect(shape).toEqual([4, 2, 3]);
  expect([...data.subarray(0, 7)]).toEqual([0, 4, 8, 12, 16, 20, 1]);
  // Turned first: [z, y, x] = [3, 4, 2]; then transposed.
  const turned = { axes: [1, 2, 0], flipped: [true, false, false] } as const;
  expect(transposed(turned, [2, 0, 1])).toEqual({ axes: [0, 1, 2], flipped: [false, true, false] });
});

test('what a view shows goes back to where it came from, voxel by voxel', () => {
  const axes = fc.constantFrom(
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ) as fc.Arbitrary<[number, number, number]>;
  const flips = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(axes, flips, (order, flipped) => {
      const { data, shape, view } = rearranged({ axes: order, flipped });
      const back = new Float32Array(24).fill(-1);
      let from = 0;
      for (let i = 0; i < shape[0]; i++)
        for (let j = 0; j < shape[1]; j++)
          for (let k = 0; k < shape[2]; k++) back[indexIn(view, [i, j, k])] = data[from++] as number;
      expect(back).toEqual(DATA);
    }),
  );
});
