import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatheredBytes } from '../../src/dicom/gathered-bytes.ts';

const MIB = 2 ** 20;

describe('bytes that come in pieces', () => {
  it('are the same as a whole, in memory of their own, however they were cut', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(300_000), fc.constantFrom(MIB - 1, MIB, MIB + 1)), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const pieces = lengths.map((length, index) => new Uint8Array(length).fill(index + 1));
        const gathered = new GatheredBytes();
        for (const piece of pieces) gathered.add(piece);
        const expected = Buffer.concat(pieces);
        expect(gathered.size).toBe(expected.length);
        expect(expected.subarray(0, 1024).equals(gathered.beginning(1024))).toBe(true);
        const whole = await gathered.take();
        expect(expected.equals(whole)).toBe(true);
        expect(whole.buffer.byteLength).toBe(whole.length);
        expect(gathered.size).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('are hardly more in memory than they are, while they come and when they are taken', async () => {
    const piece = new Uint8Array(64 * 1024).fill(7);
    const before = process.memoryUsage().arrayBuffers;
    const gathered = new GatheredBytes();
    for (let at = 0; at < 64 * MIB; at += piece.length) gathered.add(piece);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(73 * MIB);
    const whole = await gathered.take();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(65 * MIB);
    expect(whole.length).toBe(64 * MIB);
  });
});
