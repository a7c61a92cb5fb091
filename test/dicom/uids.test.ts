import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveUid } from '../../src/dicom/uids.ts';

function bytesOf(uid: string): Buffer {
  return Buffer.from(BigInt(uid.slice('2.25.'.length)).toString(16).padStart(32, '0'), 'hex');
}

test('a derived UID is a valid UID below 2.25 with the version and variant bits of an own UUID', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (parts) => {
      const uid = deriveUid(...parts);
      expect(uid).toMatch(/^2\.25\.(0|[1-9]\d{0,38})$/);
      const bytes = bytesOf(uid);
      expect(bytes.readUInt8(6) >> 4).toBe(8);
      expect(bytes.readUInt8(8) >> 6).toBe(0b10);
    }),
  );
});

test('a derived UID never changes between versions of the program', () => {
  expect(deriveUid('SEG', 'é', '')).toBe('2.25.50771784049693553364336227238589332373');
});

test('parts do not run together', () => {
  const uids = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc']].map((parts) =>
    deriveUid(...parts),
  );
  expect(new Set(uids).size).toBe(uids.length);
});
