import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Shape3 } from '../../src/segmentation/array3.ts';
import { SegmentationError } from '../../src/segmentation/errors.ts';
import {
  cropToFloat32,
  nonzeroBox,
  nonzeroMask,
  placeInBox,
} from '../../src/segmentation/preprocessing/crop.ts';

const shape: Shape3 = [3, 4, 5];
const at = (z: number, y: number, x: number) => (z * 4 + y) * 5 + x;

describe('the box of what is not zero', () => {
  test('is as small as it can be', () => {
    const data = new Int16Array(60);
    data[at(1, 3, 2)] = -7;
    data[at(2, 1, 3)] = 9;
    expect(nonzeroBox({ data, shape })).toEqual({ start: [1, 1, 2], shape: [2, 3, 2] });
  });

  test('is the whole image where nothing is zero', () => {
    expect(nonzeroBox({ data: new Int16Array(60).fill(1), shape })).toEqual({ start: [0, 0, 0], shape });
  });

  test('does not exist for an image of zeros, which is refused', () => {
    expect(() => nonzeroBox({ data: new Int16Array(60), shape })).toThrow(
      expect.objectContaining({ code: 'VOLUME_UNUSABLE', message: expect.stringContaining('5x4x3') }),
    );
  });
});

test('what was cropped and put back is where it was', () => {
  const data = Int16Array.from({ length: 60 }, (_, i) => i + 1);
  const box = { start: [1, 0, 2], shape: [2, 3, 2] } as const;
  const cropped = cropToFloat32({ data, shape }, box);
  expect([...cropped.data.subarray(0, 4)]).toEqual([23, 24, 28, 29]);
  const whole = { data: new Float32Array(60), shape };
  placeInBox(cropped, box, whole);
  for (let z = 0; z < 3; z++)
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 5; x++) {
        const isInside = z >= 1 && y < 3 && x >= 2 && x < 4;
        expect(whole.data[at(z, y, x)]).toBe(isInside ? data[at(z, y, x)] : 0);
      }
});

test('NaN becomes 0 and an infinite voxel is refused', () => {
  const box = { start: [0, 0, 0], shape: [1, 1, 2] } as const;
  expect([...cropToFloat32({ data: Float32Array.of(Number.NaN, 3), shape: [1, 1, 2] }, box).data]).toEqual([
    0, 3,
  ]);
  const infinite = { data: Float32Array.of(1, Number.POSITIVE_INFINITY), shape: [1, 1, 2] as const };
  expect(() => cropToFloat32(infinite, box)).toThrow(SegmentationError);
});

test('zeros that the border cannot reach over faces count as inside', () => {
  // Zeros inside a wall of ones, with tunnels at random: what the border reaches is found by growing it until
  // it stops.
  const walls = fc.uint8Array({ minLength: 150, maxLength: 150, max: 2 });
  fc.assert(
    fc.property(walls, (wall) => {
      const side: Shape3 = [5, 5, 6];
      const data = Float32Array.from(wall);
      expect([...nonzeroMask({ data, shape: side }).data]).toEqual(notReached(data, side));
    }),
    { numRuns: 200 },
  );
});

function notReached(data: Float32Array, [n0, n1, n2]: Shape3): number[] {
  const outside = new Set<number>();
  const isOutside = (z: number, y: number, x: number) =>
    z < 0 || y < 0 || x < 0 || z >= n0 || y >= n1 || x >= n2 || outside.has((z * n1 + y) * n2 + x);
  for (let before = -1; before < outside.size; ) {
    before = outside.size;
    for (let i = 0; i < data.length; i++) {
      const [z, y, x] = [Math.floor(i / (n1 * n2)), Math.floor(i / n2) % n1, i % n2];
      const isOpen = [-1, 1].some(
        (step) => isOutside(z + step, y, x) || isOutside(z, y + step, x) || isOutside(z, y, x + step),
      );
      if (data[i] === 0 && isOpen) outside.add(i);
    }
  }
  return Array.from(data, (_, i) => (outside.has(i) ? 0 : 1));
}
