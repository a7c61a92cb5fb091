import { describe, expect, it } from 'vitest';
import { agreementOf } from '../../../src/evaluation/metrics/agreement.ts';
import type { Spacing } from '../../../src/evaluation/metrics/mask-pair.ts';
import { differences, EVALUATION_FIXTURES } from '../../support/evaluation-fixtures.ts';

type Point = readonly [x: number, y: number, z: number];

const UNIT: Spacing = [1, 1, 1];
const affineOf = ([x, y, z]: Spacing) => [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1];

function mask(size: Point, isInside: (...point: Point) => boolean): Uint8Array {
  const [nx, ny, nz] = size;
  return Uint8Array.from({ length: nx * ny * nz }, (_, i) =>
    Number(isInside(i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny)))),
  );
}

function agreement(size: Point, prediction: Uint8Array, label: Uint8Array, spacing: Spacing = UNIT) {
  return agreementOf({ prediction, label, size }, affineOf(spacing), spacing);
}

const box = (from: Point, to: Point) => (x: number, y: number, z: number) =>
  x >= from[0] && x < to[0] && y >= from[1] && y < to[1] && z >= from[2] && z < to[2];

describe('agreement of two masks', () => {
  it.each(EVALUATION_FIXTURES.maskPairs.map((pair, i) => [i, pair] as const))(
    "is SciPy's, medpy's and scikit-learn's to 1e-6: random pair %i",
    (_, { shape: [nz, ny, nx], spacing: [sz, sy, sx], prediction, label, expected }) => {
      const [p, l] = [prediction, label].map((text) => Uint8Array.from(text, Number));
      const found = agreement([nx, ny, nz], p as Uint8Array, l as Uint8Array, [sx, sy, sz]);
      expect(differences(found, expected, 1e-9)).toEqual([]);
    },
  );

  it('of one voxel and another is their distance, along each axis and across', () => {
    const spacing: Spacing = [0.7, 1.3, 4];
    const size: Point = [9, 8, 7];
    const at = (...place: Point) =>
      mask(size, (x, y, z) => x === place[0] && y === place[1] && z === place[2]);
    for (const [x, y, z] of [
      [5, 2, 1],
      [1, 6, 1],
      [1, 2, 5],
      [7, 7, 6],
    ] as const) {
      const found = agreement(size, at(1, 2, 1), at(x, y, z), spacing);
      const distance = Math.hypot((x - 1) * 0.7, (y - 2) * 1.3, (z - 1) * 4);
      expect(found.hd95Mm).toBeCloseTo(distance, 12);
      expect(found.meanSurfaceDistanceMm).toBeCloseTo(distance, 12);
      expect(found).toMatchObject({ dice: 0, jaccard: 0, precision: 0, recall: 0, errorMl: 0 });
    }
  });

  it('of a block and the same one moved by a voxel is known exactly', () => {
    const size: Point = [20, 20, 20];
    const there = mask(size, box([4, 4, 4], [14, 14, 14]));
    const moved = mask(size, box([4, 4, 5], [14, 14, 15]));
    const found = agreement(size, there, moved, [1, 1, 2.5]);
    // Only what is inside of bottom and top is one plane away; the rims lie on the other's sides.
    expect(found.dice).toBe(0.9);
    expect(found.jaccard).toBe(900 / 1100);
    expect(found.precision).toBe(0.9);
    expect(found.recall).toBe(0.9);
    expect(found.predictedMl).toBeCloseTo(2.5, 12);
    expect(found.hd95Mm).toBe(2.5);
    expect(found.surfaceDice3Mm).toBe(1);
  });

  it('of two balls with one centre is the difference of their radii, within a voxel', () => {
    const size: Point = [60, 60, 60];
    const ball = (radius: number) => mask(size, (x, y, z) => Math.hypot(x - 30, y - 30, z - 30) <= radius);
    const found = agreement(size, ball(25), ball(20));
    expect(Math.abs((found.meanSurfaceDistanceMm ?? 0) - 5)).toBeLessThan(0.3);
    expect(found.surfaceDice3Mm).toBe(0);
    expect(found.recall).toBe(1);
  });

  it('counts a mask at the border of the image as having its surface there', () => {
    const size: Point = [4, 4, 4];
    const all = mask(size, () => true);
    const inner = mask(size, box([1, 1, 1], [3, 3, 3]));
    const found = agreement(size, all, inner);
    // 56 voxels of the shell, of which 8 corners are farthest, and the 8 inner ones, each next to it.
    expect(found.hd95Mm).toBeCloseTo(Math.sqrt(3), 12);
    expect(agreement(size, all, all)).toMatchObject({ hd95Mm: 0, dice: 1, kappa: 1 });
  });

  it('of two empty masks is full, and of one empty mask has no distance', () => {
    const size: Point = [3, 3, 3];
    const empty = mask(size, () => false);
    const full = mask(size, () => true);
    expect(agreement(size, empty, empty)).toEqual({
      dice: 1,
      jaccard: 1,
      precision: 1,
      recall: 1,
      hd95Mm: 0,
      meanSurfaceDistanceMm: 0,
      surfaceDice1Mm: 1,
      surfaceDice3Mm: 1,
      predictedMl: 0,
      labelMl: 0,
      errorMl: 0,
      errorPercent: null,
      kappa: null,
    });
    const none = {
      dice: 0,
      jaccard: 0,
      hd95Mm: null,
      meanSurfaceDistanceMm: null,
      surfaceDice1Mm: 0,
      kappa: 0,
    };
    expect(agreement(size, empty, full)).toMatchObject({
      ...none,
      precision: null,
      recall: 0,
      errorPercent: -100,
    });
    expect(agreement(size, full, empty)).toMatchObject({
      ...none,
      precision: 0,
      recall: null,
      errorPercent: null,
    });
  });

  it('does not depend on where in the image the masks lie', () => {
    const shape = box([0, 0, 0], [3, 4, 5]);
    const other = box([1, 0, 0], [5, 4, 4]);
    const near = agreement([6, 6, 6], mask([6, 6, 6], shape), mask([6, 6, 6], other), [1, 2, 3]);
    const far: Point = [30, 20, 25];
    const moved = (inside: typeof shape) => mask(far, (x, y, z) => inside(x - 24, y - 15, z - 19));
    expect(agreement(far, moved(shape), moved(other), [1, 2, 3])).toEqual(near);
  });

  it('refuses masks that do not fill the grid', () => {
    expect(() => agreement([2, 2, 2], new Uint8Array(8), new Uint8Array(7))).toThrow(RangeError);
  });
});
