import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Shape3 } from '../../src/segmentation/array3.ts';
import { findComponents } from '../../src/segmentation/components/components.ts';
import { keepLargestComponents } from '../../src/segmentation/exporting/postprocess.ts';

/** Component numbers by flood fill over faces, in the order of the first voxel; 0 outside. */
function flooded(data: Uint8Array, [n0, n1, n2]: Shape3): number[] {
  const labels = Array.from(data, () => 0);
  let count = 0;
  const flood = (i: number, j: number, k: number, label: number) => {
    if (i < 0 || j < 0 || k < 0 || i >= n0 || j >= n1 || k >= n2) return;
    const at = (i * n1 + j) * n2 + k;
    if (data[at] === 0 || labels[at] !== 0) return;
    labels[at] = label;
    flood(i - 1, j, k, label);
    flood(i + 1, j, k, label);
    flood(i, j - 1, k, label);
    flood(i, j + 1, k, label);
    flood(i, j, k - 1, label);
    flood(i, j, k + 1, label);
  };
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0 || labels[at] !== 0) continue;
    flood(Math.floor(at / (n1 * n2)), Math.floor(at / n2) % n1, at % n2, ++count);
  }
  return labels;
}

test('components are what a flood fill over shared faces finds', () => {
  const lengths = fc.tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 9 }),
  );
  const masks = lengths.chain((shape) =>
    fc
      .uint8Array({
        minLength: shape[0] * shape[1] * shape[2],
        maxLength: shape[0] * shape[1] * shape[2],
        max: 1,
      })
      .map((data) => ({ data, shape })),
  );
  fc.assert(
    fc.property(masks, ({ data, shape }) => {
      const { runs, sizes } = findComponents({ data, shape });
      const labels = Array.from(data, () => 0);
      for (const { start, end, component } of runs) labels.fill(component + 1, start, end);
      const expected = flooded(data, shape);
      expect(labels).toEqual(expected);
      expect(sizes).toEqual(sizes.map((_, i) => expected.filter((label) => label === i + 1).length));
    }),
    { numRuns: 300 },
  );
});

describe('keeping the largest component', () => {
  test('removes all others, touching corners included', () => {
    const mask = { data: Uint8Array.of(1, 1, 0, 0, 0, 0, 1, 0), shape: [1, 2, 4] as const };
    keepLargestComponents(mask);
    expect([...mask.data]).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
  });

  test('keeps all that tie for largest', () => {
    const mask = { data: Uint8Array.of(1, 1, 0, 1, 1, 0, 1, 0), shape: [1, 1, 8] as const };
    keepLargestComponents(mask);
    expect([...mask.data]).toEqual([1, 1, 0, 1, 1, 0, 0, 0]);
  });

  test('leaves an empty mask empty', () => {
    const mask = { data: new Uint8Array(8), shape: [2, 2, 2] as const };
    keepLargestComponents(mask);
    expect([...mask.data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
