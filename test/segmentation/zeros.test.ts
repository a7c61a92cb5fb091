import { array, assert, constantFrom, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { extentOf, isZero } from '../../src/segmentation/components/zeros.ts';

/** Around the lengths at which blocks begin and end. */
const lengths = constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072, 200_000);

test('where bytes are not 0 is found wherever they lie', () => {
  assert(
    property(lengths, array(nat(200_000), { maxLength: 4 }), (length, places) => {
      const bytes = new Uint8Array(length);
      for (const place of places) if (length > 0) bytes[place % length] = 1 + (place % 255);
      const first = bytes.findIndex((byte) => byte !== 0);
      const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
      expect(isZero(bytes)).toBe(first === -1);
      expect(extentOf(bytes)).toEqual(first === -1 ? { first: 0, end: 0 } : { first, end });
    }),
    { numRuns: 60 },
  );
});
