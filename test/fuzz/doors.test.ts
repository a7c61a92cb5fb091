import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  dimseConversation,
  type FuzzedDoors,
  openFuzzedDoors,
  stowMessage,
} from '../support/fuzzed-doors.ts';

const RUNS = 5_000;
const ANSWERS: readonly unknown[] = [200, 202, 400, 409, 413, 415, 'closed'];

let doors: FuzzedDoors;
beforeAll(async () => {
  doors = await openFuzzedDoors();
});
afterAll(() => doors.stop());

it(`${RUNS} hostile conversations at the C-STORE port cost their own associations alone`, async () => {
  await fc.assert(
    fc.asyncProperty(dimseConversation, (bytes) => doors.dimse(bytes)),
    { numRuns: RUNS },
  );
  expect(await doors.serve()).toBe(true);
  await expect.poll(() => doors.leftOver()).toEqual([]);
});

it(`${RUNS} hostile STOW-RS requests are answered with what is wrong with them`, async () => {
  await fc.assert(
    fc.asyncProperty(stowMessage, async (message) => {
      expect(ANSWERS).toContain(await doors.stow(message));
    }),
    { numRuns: RUNS },
  );
  expect(await doors.serve()).toBe(true);
  await expect.poll(() => doors.leftOver()).toEqual([]);
});
