import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readView, viewOf } from '../../src/segmentation/array-view.ts';
import type { Shape3 } from '../../src/segmentation/array3.ts';
import { nonzeroBox, zeroNaN } from '../../src/segmentation/preprocessing/crop.ts';
import { nonzeroMask } from '../../src/segmentation/preprocessing/nonzero-mask.ts';

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

/** As it lies: no axis turned. */
const AS_STORED = { axes: [0, 1, 2], flipped: [false, false, false] } as const;

test('a box shows its own voxels, row by row', () => {
  const data = Int16Array.from({ length: 60 }, (_, i) => i + 1);
  const view = viewOf(shape, { start: [1, 0, 2], shape: [2, 3, 2] }, AS_STORED);
  expect([...readView(data, view)]).toEqual([23, 24, 28, 29, 33, 34, 43, 44, 48, 49, 53, 54]);
});

test('NaN becomes 0, and an infinite voxel is refused by its place in the volume', () => {
  const view = viewOf(
    shape,
    { start: [1, 0, 2], shape: [2, 3, 2] },
    { axes: [2, 0, 1], flipped: [true, false, true] },
  );
  const volume = new Float32Array(60).fill(1);
  volume[at(2, 1, 3)] = Number.NaN;
  const cropped = readView(volume, view);
  zeroNaN(cropped, view, shape);
  expect(cropped.toSorted()).toEqual(Float32Array.from([0, ...Array.from({ length: 11 }, () => 1)]));
  volume[at(1, 2, 2)] = Number.NEGATIVE_INFINITY;
  expect(() => zeroNaN(readView(volume, view), view, shape)).toThrow(
    expect.objectContaining({ code: 'VOLUME_UNUSABLE', message: expect.stringContaining('x 2, y 2, z 1') }),
  );
});

test('NaN counts as nonzero for the box and for the mask', () => {
  const data = Float32Array.of(0, Number.NaN, 0, 2, 0);
  expect(nonzeroBox({ data, shape: [1, 1, 5] })).toEqual({ start: [0, 0, 1], shape: [1, 1, 3] });
  expect([...nonzeroMask({ data, shape: [1, 1, 5] }).data]).toEqual([0, 1, 0, 1, 0]);
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
