import { describe, expect, it } from 'vitest';
import {
  buffersOf,
  packed,
  packedInTurns,
  unpacked,
  unpackedInTurns,
} from '../../src/dicom/reading/in-pieces.ts';

const LARGE = {
  SOPInstanceUID: '1.2.3',
  ImageType: ['ORIGINAL', 'PRIMARY'],
  PerFrameFunctionalGroupsSequence: Array.from({ length: 5000 }, (_, frame) => ({
    PlanePositionSequence: [{ ImagePositionPatient: ['0', '0', String(frame)] }],
  })),
  ...Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`K${i}`, `value ${i}`])),
  OverlayData: new ArrayBuffer(4),
  EmptySequence: [],
  Nothing: null,
};

describe('a data set between threads', () => {
  it('comes out as it went in, whatever its size', async () => {
    const { pieces } = packed(LARGE, 'test');
    expect(pieces.length).toBeGreaterThan(4);
    expect(unpacked({ pieces })).toEqual(LARGE);
    expect(await unpackedInTurns(packed(LARGE, 'test'))).toEqual(LARGE);
    const [first, second] = await packedInTurns([LARGE, { Rows: 2 }], 'test');
    expect(first && unpacked(first)).toEqual(LARGE);
    expect(second && unpacked(second)).toEqual({ Rows: 2 });
    expect(unpacked(packed({}, 'test'))).toEqual({});
  });

  it('lets others have their turn while it is unpacked', async () => {
    const large = packed(
      { ...LARGE, Again: Array.from({ length: 100_000 }, (_, i) => ({ A: `${i}` })) },
      'test',
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    await unpackedInTurns(large);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it('takes its memory along, and lets it go', async () => {
    const dataset = packed(LARGE, 'test');
    const given = structuredClone(dataset, { transfer: buffersOf([dataset]) });
    expect(dataset.pieces.every(({ length }) => length === 0)).toBe(true);
    expect(await unpackedInTurns(given)).toEqual(LARGE);
    expect(given.pieces.every(({ length }) => length === 0)).toBe(true);
  });

  it('is refused where one item holds too much to be cut', () => {
    const item = { ContentSequence: Array.from({ length: 110_000 }, () => ({ A: '1' })) };
    expect(() => packed({ Nested: [item] }, 'test')).toThrow('test: Nested: an item of it holds more than');
  });
});
