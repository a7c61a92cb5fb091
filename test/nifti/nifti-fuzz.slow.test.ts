import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NiftiError } from '../../src/nifti/nifti-error.ts';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { niftiFile } from '../support/nifti-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nifti-'));
});
afterAll(() => rm(folder, { recursive: true }));

const RUNS = 400;
const DAMAGED = 'damaged.nii';

/** What came of a file: the error, or the number of its voxels. */
async function outcome(bytes: Uint8Array): Promise<unknown> {
  const file = path.join(folder, DAMAGED);
  await writeFile(file, bytes);
  return readNifti(file).then(
    ({ volume }) => volume.voxels.length,
    (error: unknown) => error,
  );
}

const isRefusal = (result: unknown): boolean =>
  result instanceof NiftiError && result.message.includes(DAMAGED);

describe('a NIfTI file with damaged bytes', () => {
  const changes = fc.array(fc.record({ at: fc.nat(700), byte: fc.nat(255) }), { minLength: 1, maxLength: 8 });
  const files = fc.record({
    version: fc.constantFrom(1 as const, 2 as const),
    littleEndian: fc.boolean(),
    extension: fc.constantFrom(0, 16, 64),
    gzipped: fc.boolean(),
    changes,
  });

  it('is read or refused by name, and never makes more voxels than it has bytes for', async () => {
    const refused = new Set<string>();
    await fc.assert(
      fc.asyncProperty(files, async ({ gzipped, changes: edits, ...form }) => {
        const bytes = niftiFile({ ...form, qformCode: 1 });
        for (const { at, byte } of edits) if (at < bytes.length) bytes[at] = byte;
        const result = await outcome(gzipped ? gzipSync(bytes) : bytes);
        if (result instanceof NiftiError) refused.add(result.code);
        return isRefusal(result) || (typeof result === 'number' && result <= bytes.length);
      }),
      { numRuns: RUNS },
    );
    // The property says something: damage of many kinds was met.
    expect([...refused].sort()).toEqual(
      expect.arrayContaining(['NIFTI_DAMAGED', 'NIFTI_DIMENSIONS', 'NIFTI_FORMAT']),
    );
  });

  it('is read or refused by name, where the damage is in its compressed bytes', async () => {
    const packed = gzipSync(niftiFile({ dims: [8, 8, 8] }));
    const refused = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length - 1), fc.nat(255), async (at, byte) => {
        const bytes = Buffer.from(packed);
        bytes[at] = byte;
        const result = await outcome(bytes);
        if (result instanceof NiftiError) refused.add(result.code);
        return isRefusal(result) || result === 512;
      }),
      { numRuns: RUNS },
    );
    expect([...refused]).toContain('NIFTI_DAMAGED');
  });
});
