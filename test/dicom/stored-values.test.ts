import { expect, it } from 'vitest';
import { decodeStoredValues } from '../../src/dicom/pixels/stored-values.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';

const FORMAT = { rows: 1, bitsAllocated: 16, bitsStored: 12, highBit: 11, signed: false } as const;
const STRAY = 0x7000;

// Pixels are looked at two at a time; these are the places where one is left over.
it.each([
  { columns: 4, byteOffset: 0 },
  { columns: 5, byteOffset: 0 },
  { columns: 4, byteOffset: 2 },
  { columns: 5, byteOffset: 2 },
])('a stray bit of any one pixel is gone: %o', async ({ columns, byteOffset }) => {
  for (let stray = 0; stray < columns; stray++) {
    const cells = new Uint16Array(new ArrayBuffer(16), byteOffset, columns).fill(0x123);
    cells[stray] = 0x123 | STRAY;
    const bytes = new Uint8Array(cells.buffer, byteOffset, 2 * columns);
    const values = await decodeStoredValues(
      bytes,
      { ...FORMAT, columns },
      TRANSFER_SYNTAX.explicitLittleEndian,
    );
    expect([...values]).toEqual(Array.from({ length: columns }, () => 0x123));
    expect(cells[stray]).toBe(0x123 | STRAY); // the source is left alone
  }
});
