import { expect, it } from 'vitest';
import { growingPauseMs } from '../../src/arrivals/growing-pause.ts';

it('a pause doubles with each failure in a row, up to the longest, however many there are', () => {
  const limits = { firstMs: 5_000, longestMs: 60_000 };
  const pauses = [1, 2, 3, 4, 5, 2_000].map((failures) => growingPauseMs(failures, limits));
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});
