import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elements, type Shape3 } from '../../src/segmentation/array3.ts';
import { exportSegmentation } from '../../src/segmentation/exporting/segmentation-export.ts';
import { preprocess, preprocessInWindows } from '../../src/segmentation/preprocessing/preprocess.ts';
import { SIGN_MODEL } from '../support/tiny-onnx.ts';

/** Values without any pattern. */
const rough = (length: number) =>
  Int16Array.from({ length }, (_, i) => ((i * 7919 + ((i * i) % 97)) % 401) - 150);

const length = fc.integer({ min: 20, max: 48 });
const spacing = fc.constantFrom(0.7, 1, 1.5, 2, 3, 5);
const scene = fc.record({
  size: fc.tuple(length, length, length),
  spacing: fc.tuple(spacing, spacing, spacing),
  target: fc.tuple(spacing, spacing, spacing),
  transposeForward: fc.constantFrom([0, 1, 2] as const, [2, 0, 1] as const),
  corner: fc.tuple(...([0, 1, 2] as const).map(() => fc.integer({ min: -6, max: 60 }))),
  patch: fc.tuple(...([0, 1, 2] as const).map(() => fc.integer({ min: 1, max: 16 }))),
});

type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

function setUp({ size, spacing: [dz, dy, dx], target, transposeForward }: Scene) {
  const volume = {
    voxels: rough(size[0] * size[1] * size[2]),
    size,
    affine: [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1] as const,
  };
  const info = { ...SIGN_MODEL, spacing: target, transposeForward: [...transposeForward] as [0, 1, 2] };
  return { volume, info };
}

describe('an image that is made window by window', () => {
  test('has in each window what the whole image has there, at any spacing and place', () => {
    fc.assert(
      fc.property(scene, (drawn) => {
        const { volume, info } = setUp(drawn);
        const { image, properties } = preprocess(volume, info);
        const inWindows = preprocessInWindows(volume, info);
        expect(inWindows.properties).toEqual(properties);
        expect(inWindows.image.shape).toEqual(image.shape);
        const shape: Shape3 = drawn.patch as unknown as Shape3;
        const window = { data: new Float32Array(elements(shape)).fill(9), shape };
        inWindows.image.read(drawn.corner as unknown as Shape3, window);
        const [, p1, p2] = shape;
        let worst = 0;
        for (const [at, value] of window.data.entries()) {
          const place = [Math.floor(at / (p1 * p2)), Math.floor(at / p2) % p1, at % p2].map(
            (index, axis) => index + (drawn.corner[axis] as number),
          );
          const isInside = place.every((index, axis) => index >= 0 && index < (image.shape[axis] as number));
          const [i = 0, j = 0, k = 0] = place;
          const whole = image.data[(i * image.shape[1] + j) * image.shape[2] + k] as number;
          worst = Math.max(worst, Math.abs(value - (isInside ? whole : 0)));
        }
        // Of values that lie between -2 and 4: rounding of single precision.
        expect(worst).toBeLessThan(2e-6);
      }),
      { numRuns: 25 },
    );
  });

  test('is seen roughly at every fourth voxel', () => {
    const size = [40, 36, 30] as const;
    const volume = {
      voxels: Int16Array.from({ length: 40 * 36 * 30 }, (_, i) => (i % 40) + 2 * (Math.floor(i / 40) % 36)),
      size,
      affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1],
    } as const;
    const info = { ...SIGN_MODEL, spacing: [2, 1.5, 1.5] as [number, number, number] };
    const { data, shape } = preprocessInWindows(volume, info).image.coarse(4);
    const { image } = preprocess(volume, info);
    expect(shape).toEqual(image.shape.map((extent) => Math.ceil(extent / 4)));
    for (const [at, value] of data.entries()) {
      const [i, j, k] = [
        Math.floor(at / (shape[1] * shape[2])),
        Math.floor(at / shape[2]) % shape[1],
        at % shape[2],
      ];
      const whole = image.data[(4 * i * image.shape[1] + 4 * j) * image.shape[2] + 4 * k] as number;
      // Half a voxel along each of two axes is 1.5 of the image's values; the model's deviation is in SIGN_MODEL.
      expect(Math.abs(value - whole)).toBeLessThan(0.2);
    }
  });
});

describe('the export of a part of the probability', () => {
  test('is that of the whole array with 0 around the part', () => {
    const box = fc.tuple(
      ...([0, 1, 2] as const).map(() => fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 12 }))),
    );
    fc.assert(
      fc.property(scene, box, (drawn, places) => {
        const { volume, info } = setUp(drawn);
        const { image, properties } = preprocess(volume, info);
        const { shape } = image;
        const start = places.map(([first], axis) => first % (shape[axis] as number)) as unknown as Shape3;
        const extent = places.map(([, count], axis) =>
          Math.min(count, (shape[axis] as number) - (start[axis] as number)),
        ) as unknown as Shape3;
        const whole = { data: new Float32Array(elements(shape)), shape };
        const data = new Float32Array(elements(extent));
        const isOutermost = (index: number, axis: 0 | 1 | 2) =>
          (index === 0 && start[axis] > 0) ||
          (index === extent[axis] - 1 && start[axis] + extent[axis] < shape[axis]);
        for (let i = 0, at = 0; i < extent[0]; i++)
          for (let j = 0; j < extent[1]; j++)
            for (let k = 0; k < extent[2]; k++, at++) {
              if (isOutermost(i, 0) || isOutermost(j, 1) || isOutermost(k, 2)) continue;
              const value = Math.fround(((at * 31) % 17) / 16);
              data[at] = value;
              whole.data[((start[0] + i) * shape[1] + start[1] + j) * shape[2] + start[2] + k] = value;
            }
        const part = { data, box: { start, shape: extent }, shape };
        const [expected, found] = [whole, part].map((one) => exportSegmentation(one, properties, info, true));
        expect(found?.mask).toEqual(expected?.mask);
        expect(found?.softMask).toEqual(expected?.softMask);
        expect(found?.probability).toEqual(expected?.probability);
      }),
      { numRuns: 12 },
    );
  });
});
