import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLossyCodestream } from '../../src/dicom/pixels/codestream.ts';
import { canDecode, decodeFrame } from '../../src/dicom/pixels/pixels.ts';
import { type Instance, readInstance } from '../../src/dicom/reading/dataset.ts';
import { isNative, TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { encodeHtj2k } from '../support/htj2k-encoder.ts';
import { encodeJpegLossless } from '../support/jpeg-lossless-encoder.ts';
import { type Attributes, ctAttributes, part10 } from '../support/part10.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';

const NATIVE = [
  TRANSFER_SYNTAX.explicitLittleEndian,
  TRANSFER_SYNTAX.implicitLittleEndian,
  TRANSFER_SYNTAX.explicitBigEndian,
  TRANSFER_SYNTAX.rleLossless,
] as const;

describe('stored values', () => {
  const layout = fc
    .record({
      bitsAllocated: fc.constantFrom(8, 16),
      stored: fc.integer({ min: 1, max: 16 }),
      above: fc.integer({ min: 0, max: 15 }),
      signed: fc.boolean(),
      syntax: fc.constantFrom(...NATIVE),
      seeds: fc.array(fc.tuple(fc.nat(65_535), fc.nat(65_535)), { minLength: 12, maxLength: 12 }),
    })
    .filter(({ bitsAllocated, stored, above }) => stored + above <= bitsAllocated)
    .filter(
      ({ bitsAllocated, syntax }) => bitsAllocated === 16 || syntax !== TRANSFER_SYNTAX.explicitBigEndian,
    );

  it('come out of their cells whatever stands in the other bits, in every layout', async () => {
    await fc.assert(
      fc.asyncProperty(layout, async ({ bitsAllocated, stored, above, signed, syntax, seeds }) => {
        const range = 2 ** stored;
        const values = seeds.map(([seed]) => (seed % range) - (signed ? range / 2 : 0));
        const highBit = bitsAllocated - 1 - above;
        const low = highBit + 1 - stored;
        const cells = values.map((value, i) => {
          const bits = (value & (range - 1)) << low;
          const rubbish = (seeds[i]?.[1] ?? 0) & ~((range - 1) << low);
          return bits | rubbish;
        });
        const instance = readInstance(
          part10(
            ctAttributes({
              BitsAllocated: bitsAllocated,
              BitsStored: stored,
              HighBit: highBit,
              PixelRepresentation: signed ? 1 : 0,
              PixelData: encodeCells(cells, bitsAllocated, syntax),
            }),
            syntax,
          ),
          'slice.dcm',
        );
        expect([...(await decodeFrame(instance, 0))]).toEqual(values);
      }),
    );
  });

  it('are refused where the bits do not fit', async () => {
    await expect(decodeFrame(ct({ BitsStored: 16, HighBit: 11 }), 0)).rejects.toMatchObject({
      code: 'DICOM_ATTRIBUTE',
      message: 'slice.dcm: BitsStored 16 and HighBit 11 do not fit BitsAllocated 16',
    });
  });

  it('of colour images are refused', async () => {
    const colour = ct({ SamplesPerPixel: 3, PixelData: new ArrayBuffer(72) });
    await expect(decodeFrame(colour, 0)).rejects.toThrow('SamplesPerPixel is 3: colour images are not read');
  });

  it('of an image larger than any scanner makes are refused before memory is reserved for them', async () => {
    const instance = ct({ PixelData: [new ArrayBuffer(70)] }, TRANSFER_SYNTAX.rleLossless);
    const huge = { ...instance, dataset: { ...instance.dataset, Rows: 65_535, Columns: 65_535 } };
    await expect(decodeFrame(huge, 0)).rejects.toMatchObject({
      code: 'DICOM_ATTRIBUTE',
      message: 'slice.dcm: Rows is 65535 and Columns is 65535: more than 4194304 pixels are not read',
    });
  });

  it('of a frame that is not there are refused', async () => {
    await expect(decodeFrame(ct({}), 1)).rejects.toThrow('slice.dcm: there is no pixel data for frame 2');
  });
});

describe('RLE', () => {
  it('is refused where a segment gives too few pixels', async () => {
    const whole = new Uint8Array(rleFrame(Array<number>(12).fill(5), 2));
    const cut = whole.slice(0, whole.length - 2).buffer;
    const instance = ct({ PixelData: [cut] }, TRANSFER_SYNTAX.rleLossless);
    await expect(decodeFrame(instance, 0)).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: expect.stringMatching(
        /slice\.dcm: PixelData in RLE Lossless .* RLE segment 2 ends after \d+ of 12/,
      ),
    });
  });
});

describe('lossless JPEG', () => {
  const image = fc
    .record({ rows: fc.integer({ min: 1, max: 12 }), columns: fc.integer({ min: 1, max: 12 }) })
    .chain(({ rows, columns }) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        samples: fc.array(fc.nat(65_535), { minLength: rows * columns, maxLength: rows * columns }),
        precision: fc.constantFrom(8, 12, 16),
        predictor: fc.integer({ min: 1, max: 7 }),
        signed: fc.boolean(),
      }),
    );

  it('gives every pixel, the last one too, with every predictor and precision', async () => {
    await fc.assert(
      fc.asyncProperty(image, async ({ rows, columns, samples, precision, predictor, signed }) => {
        const stored = samples.map((sample) => sample % 2 ** precision);
        const frame = encodeJpegLossless({ rows, columns, precision, samples: stored }, predictor);
        const padded = frame.length % 2 === 0 ? frame : Uint8Array.from([...frame, 0]);
        const instance = ct(
          {
            Rows: rows,
            Columns: columns,
            BitsStored: precision,
            HighBit: precision - 1,
            PixelRepresentation: signed ? 1 : 0,
            PixelData: [padded.buffer],
          },
          predictor === 1 ? TRANSFER_SYNTAX.jpegLosslessSv1 : TRANSFER_SYNTAX.jpegLossless,
        );
        const half = 2 ** (precision - 1);
        const expected = stored.map((value) => (signed && value >= half ? value - 2 * half : value));
        expect([...(await decodeFrame(instance, 0))]).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

const HTJ2K: readonly string[] = [
  TRANSFER_SYNTAX.htj2kLossless,
  TRANSFER_SYNTAX.htj2kLosslessRpcl,
  TRANSFER_SYNTAX.htj2k,
];

describe('HTJ2K', () => {
  it.each(HTJ2K)('%s gives the stored values, whatever their bits and sign', async (uid) => {
    for (const [bits, signed] of [
      [16, true],
      [16, false],
      [12, false],
      [12, true],
      [8, false],
    ] as const) {
      const low = signed ? -(2 ** (bits - 1)) : 0;
      const values = Array.from({ length: 24 * 20 }, (_, i) => low + ((i * i * 7919) % 2 ** bits));
      const frame = await encodeHtj2k(values, { rows: 20, columns: 24, bits, signed });
      const instance = htj2k(frame, { bits, signed }, uid);
      expect([...(await decodeFrame(instance, 0))]).toEqual(values);
    }
  });

  it('that lost something says so', async () => {
    const values = Array.from({ length: 24 * 20 }, (_, i) => (i * i * 7919) % 4096);
    const exact = await encodeHtj2k(values, { rows: 20, columns: 24, bits: 12, signed: false });
    const lossy = await encodeHtj2k(values, { rows: 20, columns: 24, bits: 12, signed: false }, 0.001);
    expect([exact, lossy].map(isLossyCodestream)).toEqual([false, true]);
    const instance = htj2k(lossy, { bits: 12, signed: false }, TRANSFER_SYNTAX.htj2k);
    expect(largestDifference(await decodeFrame(instance, 0), values)).toBeLessThan(40);
  });

  it('cut off is refused', async () => {
    const values = Array.from({ length: 24 * 20 }, (_, i) => i);
    const frame = await encodeHtj2k(values, { rows: 20, columns: 24, bits: 12, signed: false });
    const cut = htj2k(frame.subarray(0, 200), { bits: 12, signed: false }, TRANSFER_SYNTAX.htj2kLossless);
    await expect(decodeFrame(cut, 0)).rejects.toMatchObject({ code: 'DICOM_UNREADABLE' });
  });
});

function htj2k(
  frame: Uint8Array<ArrayBuffer>,
  { bits, signed }: { bits: number; signed: boolean },
  uid: string,
): Instance {
  const padded = frame.length % 2 === 0 ? frame : Uint8Array.from([...frame, 0]);
  const cells = {
    BitsAllocated: 16,
    BitsStored: bits,
    HighBit: bits - 1,
    PixelRepresentation: signed ? 1 : 0,
  };
  return ct({ Rows: 20, Columns: 24, ...cells, PixelData: [padded.slice().buffer] }, uid);
}

/** RescaleSlope of the 12-bit files; their RescaleIntercept is -4047. */
const SLOPE_OF_12_BITS = 2.0002442;

describeWith(['shared', 'dcmdjpeg'], 'lossy JPEG of 12 bits', () => {
  it.each(['51', '53', '55'])('%s gives the pixels that DCMTK decodes', async (suffix) => {
    const folder = shared('data/transfer-syntaxes');
    const name = readdirSync(folder).find((file) => file.endsWith(`.4.${suffix}.dcm`)) ?? suffix;
    const target = path.join(mkdtempSync(path.join(tmpdir(), 'pansegnet-')), 'decoded.dcm');
    try {
      execFileSync(programPath('dcmdjpeg'), [path.join(folder, name), target]);
      const [ours, theirs] = await Promise.all(
        [path.join(folder, name), target].map((file) =>
          decodeFrame(readInstance(readFileSync(file), file), 0),
        ),
      );
      expect(ours).toEqual(theirs);
    } finally {
      rmSync(path.dirname(target), { recursive: true });
    }
  });
});

describeWith(['shared'], 'one CT slice in many transfer syntaxes', () => {
  const folder = shared('data/transfer-syntaxes');
  const file = (uid: string) => readdirSync(folder).find((name) => name.endsWith(`_${uid}.dcm`)) ?? uid;
  const load = (uid: string) => readInstance(readFileSync(`${folder}/${file(uid)}`), file(uid));
  const reference = () => decodeFrame(load(TRANSFER_SYNTAX.explicitLittleEndian), 0);

  it.each([
    [TRANSFER_SYNTAX.implicitLittleEndian, 0],
    [TRANSFER_SYNTAX.explicitBigEndian, 0],
    [TRANSFER_SYNTAX.deflated, 0],
    [TRANSFER_SYNTAX.rleLossless, 0],
    [TRANSFER_SYNTAX.jpegLossless, 0],
    [TRANSFER_SYNTAX.jpegLosslessSv1, 0],
    [TRANSFER_SYNTAX.jpegLsLossless, 0],
    [TRANSFER_SYNTAX.jpeg2000Lossless, 0],
    [TRANSFER_SYNTAX.jpegLsNearLossless, 2],
    [TRANSFER_SYNTAX.jpeg2000, 5],
  ])('%s differs by at most %i', async (uid, loss) => {
    const expected = await reference();
    const decoded = await decodeFrame(load(uid), 0);
    expect(decoded).toBeInstanceOf(Int16Array);
    expect(largestDifference(decoded, expected)).toBeLessThanOrEqual(loss);
  });

  it('JPEG baseline, which has 8 bits, differs by at most two of its steps', async () => {
    const expected = await reference();
    const decoded = await decodeFrame(load(TRANSFER_SYNTAX.jpegBaseline), 0);
    const SLOPE = 32.1216; // RescaleSlope and -Intercept of the file, against 1 and -1024 of the reference
    const values = Array.from(decoded, (value) => value * SLOPE - 4047 + 1024);
    expect(largestDifference(values, expected)).toBeLessThanOrEqual(2 * SLOPE);
  });

  it.each([
    TRANSFER_SYNTAX.jpegExtended,
    TRANSFER_SYNTAX.jpegSpectralSelection,
    TRANSFER_SYNTAX.jpegFullProgression,
  ])('%s, which has 12 bits here, differs by a few of its steps in the mean', async (uid) => {
    const expected = await reference();
    const decoded = await decodeFrame(load(uid), 0);
    const values = Array.from(decoded, (value) => value * SLOPE_OF_12_BITS - 4047 + 1024);
    // The encoder's quality: DCMTK's decoder gives the same pixels.
    expect(largestDifference(values, expected)).toBeLessThan(36);
  });

  const compressed = Object.values(TRANSFER_SYNTAX).filter((uid) => !isNative(uid) && !HTJ2K.includes(uid));
  it.each(compressed)('%s cut in half is refused, not half decoded', async (uid) => {
    expect(canDecode(uid)).toBe(true);
    const instance = load(uid);
    const frames = instance.frames.map((frame) => frame.subarray(0, frame.length >> 1));
    await expect(decodeFrame({ ...instance, frames }, 0)).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: expect.stringContaining(instance.source),
    });
  });

  it.each(compressed)('%s is refused where its image has another size than the header says', async (uid) => {
    const instance = load(uid);
    const dataset = { ...instance.dataset, Rows: 513 };
    await expect(decodeFrame({ ...instance, dataset }, 0)).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: expect.stringMatching(/its image is 512 x 512 x 1 where|RLE segment 1 ends after 262144 of/),
    });
  });

  it('frames that are decoded at the same time do not mix', async () => {
    const expected = await reference();
    const uids = [TRANSFER_SYNTAX.jpegLsLossless, TRANSFER_SYNTAX.jpegLsNearLossless];
    const both = await Promise.all(uids.map((uid) => decodeFrame(load(uid), 0)));
    expect(both.map((decoded) => largestDifference(decoded, expected))).toEqual([0, 1]);
  });
});

function ct(over: Attributes, transferSyntaxUid?: string): Instance {
  return readInstance(part10(ctAttributes(over), transferSyntaxUid), 'slice.dcm');
}

function encodeCells(cells: readonly number[], bitsAllocated: number, syntax: string): unknown {
  if (syntax === TRANSFER_SYNTAX.rleLossless) return [rleFrame(cells, bitsAllocated / 8)];
  if (bitsAllocated === 8) return Uint8Array.from(cells).buffer;
  const words = Buffer.from(Uint16Array.from(cells).buffer);
  const bytes = syntax === TRANSFER_SYNTAX.explicitBigEndian ? words.swap16() : words;
  return Uint8Array.from(bytes).buffer;
}

/** An RLE frame (PS3.5 annex G): runs where two bytes are the same, literals elsewhere. */
function rleFrame(cells: readonly number[], bytesPerSample: number): ArrayBuffer {
  const segments = Array.from({ length: bytesPerSample }, (_, segment) => {
    const plane = cells.map((cell) => (cell >> (8 * (bytesPerSample - 1 - segment))) & 0xff);
    const packed: number[] = [];
    for (let i = 0; i < plane.length; ) {
      let run = 1;
      while (run < 128 && plane[i + run] === plane[i]) run += 1;
      packed.push(...(run > 1 ? [257 - run, plane[i] ?? 0] : [0, plane[i] ?? 0]));
      i += run;
    }
    return packed.length % 2 === 0 ? packed : [...packed, 0x80];
  });
  const header = new Uint32Array(16);
  header[0] = segments.length;
  let offset = 64;
  for (const [i, segment] of segments.entries()) {
    header[i + 1] = offset;
    offset += segment.length;
  }
  return Uint8Array.from([...new Uint8Array(header.buffer), ...segments.flat()]).buffer;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return largest;
}
