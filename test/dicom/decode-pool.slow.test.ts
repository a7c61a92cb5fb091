import { describe, expect, it } from 'vitest';
import { DecodePool, type DecodePoolOptions } from '../../src/dicom/pixels/decode-pool.ts';
import { decodeStoredValues, type PixelFormat } from '../../src/dicom/pixels/stored-values.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { encodeHtj2k } from '../support/htj2k-encoder.ts';
import { encodeJpegLossless } from '../support/jpeg-lossless-encoder.ts';

const FORMAT: PixelFormat = {
  rows: 20,
  columns: 24,
  bitsAllocated: 16,
  bitsStored: 12,
  highBit: 11,
  signed: false,
};
const HTJ2K = TRANSFER_SYNTAX.htj2kLossless;

function pool(options: Partial<DecodePoolOptions> = {}): DecodePool {
  const worker = new URL('../../src/dicom/pixels/decode-worker.ts', import.meta.url);
  return new DecodePool({ size: 2, worker, frameTimeoutMs: 20_000, idleMs: 1000, ...options });
}

const broken = new URL('../support/broken-decode-worker.ts', import.meta.url);

async function frames(count: number): Promise<{ values: number[]; encoded: Uint8Array }[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, k) => {
      const values = Array.from({ length: 480 }, (_unused, i) => (i * i * (k + 3)) % 4096);
      const encoded = await encodeHtj2k(values, { rows: 20, columns: 24, bits: 12, signed: false });
      return { values, encoded };
    }),
  );
}

describe('frames decoded in worker threads', () => {
  it('are those that the same thread decodes, each its own', async () => {
    const given = await frames(30);
    const shared = pool();
    const decoded = await Promise.all(given.map(({ encoded }) => shared.decode(encoded, FORMAT, HTJ2K)));
    expect(decoded.map((stored) => [...stored])).toEqual(given.map(({ values }) => values));
    const here = await Promise.all(given.map(({ encoded }) => decodeStoredValues(encoded, FORMAT, HTJ2K)));
    expect(decoded).toEqual(here);
  });

  it('leave their bytes as they were', async () => {
    const [frame] = await frames(1);
    const before = Uint8Array.from(frame?.encoded ?? []);
    await pool().decode(frame?.encoded ?? before, FORMAT, HTJ2K);
    expect(frame?.encoded).toEqual(before);
  });

  it('that are corrupt are refused with the codec’s reason, and the others are decoded', async () => {
    const [good] = await frames(1);
    const image = { rows: 20, columns: 24, precision: 12, samples: Array<number>(480).fill(5) };
    const corrupt = encodeJpegLossless(image, 1).subarray(0, 30);
    const shared = pool({ size: 1 });
    const outcomes = await Promise.allSettled([
      shared.decode(corrupt, FORMAT, TRANSFER_SYNTAX.jpegLosslessSv1),
      shared.decode(good?.encoded ?? new Uint8Array(), FORMAT, HTJ2K),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { message: 'its header is not complete' } },
      { status: 'fulfilled' },
    ]);
  });

  it('that a worker ends on are refused, and the next ones get a new worker', async () => {
    const shared = pool({ size: 1, worker: broken });
    const job = (how: number) => shared.decode(Uint8Array.of(how), FORMAT, HTJ2K);
    const outcomes = await Promise.allSettled([job(1), job(2), job(1)]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason))).toEqual([
      'WorkerLost: the decoder ended',
      'WorkerLost: the decoder ended: out of memory',
      'WorkerLost: the decoder ended',
    ]);
  });

  it('that take too long are refused', async () => {
    const shared = pool({ worker: broken, frameTimeoutMs: 100 });
    await expect(shared.decode(Uint8Array.of(9), FORMAT, HTJ2K)).rejects.toThrow(
      'the decoder gave no answer in 0.1 s',
    );
  });

  it('are decoded in the calling thread where no worker starts', async () => {
    const given = await frames(4);
    const shared = pool({ worker: new URL('no-such-worker.ts', import.meta.url) });
    const decoded = await Promise.all(given.map(({ encoded }) => shared.decode(encoded, FORMAT, HTJ2K)));
    expect(decoded.map((stored) => [...stored])).toEqual(given.map(({ values }) => values));
  });
});
