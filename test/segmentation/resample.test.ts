import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Array3, type Axis, elements, type Shape3 } from '../../src/segmentation/array3.ts';
import { nearestIndices } from '../../src/segmentation/resampling/coordinates.ts';
import { forEachResizedPlane } from '../../src/segmentation/resampling/linear.ts';
import {
  resampledShape,
  resampleImage,
  roundHalfToEven,
  separateAxis,
} from '../../src/segmentation/resampling/resample.ts';
import { resampleMask } from '../../src/segmentation/resampling/resample-mask.ts';
import { splineResizeAxis } from '../../src/segmentation/resampling/spline.ts';
import {
  bySlice,
  clippedTo,
  type SlowArray,
  slowCubic,
  slowLinear,
  slowNearest,
  toSlow,
} from '../support/slow-resampling.ts';

/**
 * Values without any pattern, as in the Python that made the expected ones: ((i * 7919 + i * i % 97) % 101) -
 * 50.
 */
function rough(shape: Shape3): Array3<Float32Array> {
  const length = shape[0] * shape[1] * shape[2];
  return { data: Float32Array.from({ length }, (_, i) => ((i * 7919 + ((i * i) % 97)) % 101) - 50), shape };
}

/** All planes that linear interpolation gives. */
function resampleProbability(image: Array3<Float32Array>, shape: Shape3, separate: Axis | undefined) {
  const data = new Float32Array(elements(shape));
  forEachResizedPlane(image, shape, separate, (plane, index) => data.set(plane, index * plane.length));
  return { data, shape };
}

/** The largest difference; infinite where the lengths differ. */
function worst(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.max(...expected.map((value, i) => Math.abs((actual[i] as number) - value)));
}

/** The expected values are rounded to five digits. */
const TOLERANCE = 2e-5;

// Expected values: scipy 1.10 ndimage.zoom(mode='nearest', grid_mode=True), clipped to the input's range,
// which is what scikit-image 0.19's resize(mode='edge', anti_aliasing=False) calls; map_coordinates(order=0)
// along a separate axis.
const CUBIC_4_3_7 = [
  -48.75769, -23.54777, 15.51688, 28.30512, -6.79178, -3.36788, 28.12378, -41.55242, 17.36249, 22.56667,
  -27.75756, 34.96815, 48.25022, 3.48641, -15.46367, -37.18667, -21.14722, 33.31892, 31.08424, 7.01888,
  -4.81598, -31.6688, -42.30104, -14.97295, 37.17771, 23.69922, 8.83626, 14.58869, -6.33564, 8.20919, 2.65631,
  -15.40893, 14.04245, 20.36452, 1.2364, 13.76517, 24.03485, 13.3605, -15.02558, -8.65746, -0.68968, -3.41879,
  -4.40988, -13.92235, -8.46365, 14.48366, 18.83942, 15.58754, 14.50267, -14.35019, -14.22465, 2.40141,
  19.6054, -2.98992, -3.62988, 16.1498, 19.05111, 23.66836, 10.28552, -20.71943, -29.32137, -6.79151,
  17.35826, 13.05211, 40.80109, 30.27676, -23.15381, -17.81142, 11.94071, 27.92874, -50.0, -33.50639,
  21.98869, 50.0, -3.65288, -6.15725, 37.30266, -3.47777, -38.01769, -28.11977, 20.40807, -15.77132, -6.81706,
  42.29613,
];

const CUBIC_SLICE_0 = [
  -47.41317, -25.64749, 12.52746, 29.39779, -3.81991, -2.2715, 26.82858, -38.09423, 16.72621, 20.66278,
  -26.95002, 33.1467, 45.83683, 3.11125, -12.72132, -31.32016, -17.80983, 28.75041, 27.49985, 6.34605,
  -4.90468,
];

const LINEAR_4_3_7 = [
  -45.33333, -20.38095, 6.57143, 27.16667, 1.09524, 4.7381, 23.5, -31.5, 1.07143, 13.5, -16.5, 27.07143,
  29.07143, 8.5, -15.16667, -23.07143, -13.14286, 26.5, 21.85714, 9.71429, -4.0, -29.70833, -26.54167,
  -8.66667, 30.08333, 16.13988, 12.80357, 15.79167, -10.875, -0.08929, 3.85714, -6.5, 11.625, 13.625, 6.625,
  10.45833, 12.01786, 6.84226, -9.02083, -4.5119, -1.56548, -0.04167, -8.27083, -8.74702, -2.63988, 13.52083,
  13.05952, 14.55357, 16.79167, -15.0, -7.85714, 2.35714, 14.5, 1.01786, 3.875, 14.875, 13.58333, 11.5,
  3.5744, -12.33333, -17.77976, -5.31548, 14.20833, 11.83333, 27.07143, 22.64286, -17.0, -7.11905, 9.40476,
  26.16667, -42.5, -19.64286, 9.5, 39.5, -1.21429, 3.07143, 30.5, -6.83333, -24.45238, -21.85714, 17.66667,
  -13.52381, -0.28571, 34.0,
];

describe('resampling an image', () => {
  const image = rough([3, 4, 5]);

  test('is scikit-image resize of order 3, clipped to the input range', () => {
    const { data, shape } = resampleImage(image, [4, 3, 7], undefined);
    expect(shape).toEqual([4, 3, 7]);
    expect(worst(data, CUBIC_4_3_7)).toBeLessThan(TOLERANCE);
    expect(Math.min(...data)).toBe(-50);
    expect(Math.max(...data)).toBe(50);
  });

  test('with a separate axis takes whole slices along it, each clipped to its own range', () => {
    const { data } = resampleImage(image, [5, 3, 7], 0);
    expect(worst(data.subarray(0, 21), CUBIC_SLICE_0)).toBeLessThan(TOLERANCE);
    expect(data.subarray(21, 42)).toEqual(data.subarray(0, 21));
    // Slice 2 has no value below -46, and its spline goes below that.
    expect(Math.min(...data.subarray(63, 84))).toBe(-46);
  });

  test('with fewer slices along a separate axis drops slices', () => {
    expect(
      worst(
        resampleImage(image, [2, 2, 3], 1).data,
        [
          2.12058, -16.17951, 9.65656, -6.70238, 16.84398, -5.64012, -23.83818, 25.71653, -7.05578, -1.52439,
          -2.4282, 5.25564,
        ],
      ),
    ).toBeLessThan(TOLERANCE);
  });

  test('at the same shape gives the values back unchanged', () => {
    expect(resampleImage(image, image.shape, 0).data).toEqual(image.data);
  });

  test('keeps long lines exact: a spline gives a straight line back', () => {
    const line = { data: Float32Array.from({ length: 200 }, (_, i) => 3 * i), shape: [1, 1, 200] as const };
    const { data } = splineResizeAxis(line, 2, 400);
    // Away from the repeated edges.
    for (let i = 60; i < 340; i++) expect(data[i]).toBeCloseTo(3 * ((i + 0.5) / 2 - 0.5), 3);
  });

  test('keeps an even image even, up to its edges', () => {
    const even = { data: new Float32Array(30).fill(12_345), shape: [1, 1, 30] as const };
    // One unit in the last place of float32.
    for (const value of splineResizeAxis(even, 2, 50).data)
      expect(Math.abs(value - 12_345)).toBeLessThan(0.001);
  });

  test('gives the same along each axis, however the lines lie in memory', () => {
    const values = rough([1, 1, 40]).data;
    const along = ([0, 1, 2] as const).map((axis) => {
      const shape = [1, 1, 1] as [number, number, number];
      shape[axis] = 40;
      return splineResizeAxis({ data: values, shape }, axis, 23).data;
    });
    expect(along[1]).toEqual(along[0]);
    expect(along[2]).toEqual(along[0]);
  });
});

describe('resampling probabilities', () => {
  test('is scikit-image resize of order 1', () => {
    expect(
      worst(resampleProbability(rough([3, 4, 5]), [4, 3, 7], undefined).data, LINEAR_4_3_7),
    ).toBeLessThan(TOLERANCE);
  });

  test('with a separate axis takes the nearest slice along it', () => {
    expect(
      worst(
        resampleProbability(rough([3, 4, 5]), [2, 3, 3], 2).data,
        [
          -39.08333, 28.33333, 20.41667, -23.25, -12.5, 7.75, -4.91667, 12.29167, -2.41667, 3.79167, -4.79167,
          22.41667, -31.5, 29.5, 24.25, 1.33333, 5.66667, 26.08333,
        ],
      ),
    ).toBeLessThan(TOLERANCE);
  });
});

describe('resampling any small array', () => {
  const lengths = fc.tuple(
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 9 }),
  );
  const arrays = lengths.chain((shape) =>
    fc
      .array(fc.integer({ min: -1000, max: 3000 }), {
        minLength: elements(shape),
        maxLength: elements(shape),
      })
      .map((values) => ({ data: Float32Array.from(values), shape })),
  );
  const separates = fc.constantFrom<Axis | undefined>(undefined, 0, 1, 2);
  const grids = fc.tuple(arrays, lengths, separates);
  /** In the plane of a separate axis by `resize`, slice by slice; along it by the nearest slice. */
  const slowly = (
    image: SlowArray,
    shape: Shape3,
    separate: Axis | undefined,
    resize: (part: SlowArray, to: Shape3) => SlowArray,
  ) => {
    if (separate === undefined) return resize(image, shape);
    const slice = shape.map((length, axis) => (axis === separate ? 1 : length)) as [number, number, number];
    const resized = bySlice(image, separate, (part) => resize(part, slice));
    return slowNearest(resized, separate, shape[separate]);
  };

  test('by the spline is what its definition says, clipped to each slice or the whole', () => {
    fc.assert(
      fc.property(grids, ([image, shape, separate]) => {
        const expected = slowly(toSlow(image), shape, separate, (part, to) =>
          clippedTo(part, slowCubic(part, to)),
        );
        // Of up to 3000, float32 holds 1e-4.
        expect(worst(resampleImage(image, shape, separate).data, expected.data)).toBeLessThan(1e-3);
      }),
      { numRuns: 25 },
    );
  });

  test('linearly is what its definition says', () => {
    fc.assert(
      fc.property(grids, ([image, shape, separate]) => {
        const expected = slowly(toSlow(image), shape, separate, slowLinear);
        expect(worst(resampleProbability(image, shape, separate).data, expected.data)).toBeLessThan(1e-3);
      }),
      { numRuns: 200 },
    );
  });

  test('of zeros and ones gives the mask of what is at least half inside', () => {
    fc.assert(
      fc.property(grids, ([image, shape, separate]) => {
        const mask = {
          data: Uint8Array.from(image.data, (value) => (value > 500 ? 1 : 0)),
          shape: image.shape,
        };
        const shares = slowly(toSlow(mask), shape, separate, slowLinear).data;
        const resampled = resampleMask(mask, shape, separate).data;
        // Where it's a tie, scipy's rounding decides: tested below.
        const isTie = (i: number) => Math.abs((shares[i] as number) - 0.5) < 1e-9;
        const expected = shares.map((share, i) => (isTie(i) ? resampled[i] : share > 0.5 ? 1 : 0));
        expect([...resampled]).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

test('a resampled mask holds the voxels that are at least half inside', () => {
  const mask = { data: Uint8Array.of(0, 0, 1, 1), shape: [1, 1, 4] as const };
  expect([...resampleMask(mask, [1, 1, 2], undefined).data]).toEqual([0, 1]);
  expect([...resampleMask(mask, [1, 1, 3], undefined).data]).toEqual([0, 1, 1]);
});

// Expected: batchgenerators' resize_segmentation, with scikit-image 0.19 and scipy 1.10. Four of the 30
// voxels are half inside. Of one of them, neither the inside nor the outside reaches a half; another would be
// inside if the axes were summed one after the other.
test('where a voxel of a resampled mask is half inside, scipy rounding decides', () => {
  const mask = {
    data: Uint8Array.from('011010100100110001111111111111000110010010101100101001001100', Number),
    shape: [4, 3, 5] as const,
  };
  expect(resampleMask(mask, [2, 5, 3], undefined).data.join('')).toBe('011011111111111001000010010010');
});

test('an index half way between two slices goes to the later one', () => {
  expect([...nearestIndices(6, 3)]).toEqual([1, 3, 5]);
  expect([...nearestIndices(2, 5)]).toEqual([0, 0, 1, 1, 1]);
});

describe('the separate axis', () => {
  test.each([
    ['none up to three times the smallest spacing', [3, 1, 1], [2, 1, 1], undefined],
    ['the coarse one of the first spacing', [1, 3.1, 1], [4, 1, 1], 1],
    ['else the coarse one of the second', [2, 1, 1], [1, 1, 4], 2],
    ['none where two share the largest spacing', [4, 4, 1], [1, 1, 1], undefined],
  ] as const)('is %s', (_, first, second, axis) => {
    expect(separateAxis(first, second)).toBe(axis);
  });
});

test('a new shape is rounded as numpy rounds, halves to even', () => {
  expect(resampledShape([5, 7, 100], [1, 1, 0.8], [2, 2, 1])).toEqual([2, 4, 80]);
  expect([0.5, 1.5, 2.5, 2.4, 2.6].map(roundHalfToEven)).toEqual([0, 2, 2, 2, 3]);
});
