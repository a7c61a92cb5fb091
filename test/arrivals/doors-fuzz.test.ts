import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  dimseConversation,
  type FuzzedDoors,
  openFuzzedDoors,
  stowMessage,
} from '../support/fuzzed-doors.ts';

/** `npm run test:fuzz` tries thousands. */
const RUNS = 100;
const ANSWERS: readonly unknown[] = [200, 202, 400, 409, 413, 415, 'closed'];

describe('the doors of a node', () => {
  let doors: FuzzedDoors;
  beforeAll(async () => {
    doors = await openFuzzedDoors();
  });
  afterAll(() => doors.stop());

  // An error that nobody catches would end the node; here it fails the test run.
  it('serve on, whatever is said to the C-STORE port', async () => {
    await fc.assert(
      fc.asyncProperty(dimseConversation, (bytes) => doors.dimse(bytes)),
      { numRuns: RUNS },
    );
    expect(await doors.serve()).toBe(true);
    await expect.poll(() => doors.leftOver()).toEqual([]);
  });

  it('serve on, whatever is sent by STOW-RS, and name what is wrong with it', async () => {
    await fc.assert(
      fc.asyncProperty(stowMessage, async (message) => {
        expect(ANSWERS).toContain(await doors.stow(message));
      }),
      { numRuns: RUNS },
    );
    expect(await doors.serve()).toBe(true);
    await expect.poll(() => doors.leftOver()).toEqual([]);
  });
});
