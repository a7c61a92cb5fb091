import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { readInstanceFile } from '../../src/dicom/reading/instance-file.ts';
import { readMeta } from '../../src/dicom/reading/part10.ts';
import { explicit, joined } from '../support/raw-elements.ts';
import { describeWith, shared } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'instance-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What of an instance is read without its pixels; `refused` where it is not DICOM, or not complete. */
type Read = 'refused' | { readonly dataset: object; readonly hasPixelData: boolean };

async function fromFile(bytes: Uint8Array): Promise<Read> {
  const file = path.join(folder, 'instance.dcm');
  await writeFile(file, bytes);
  try {
    const { dataset, hasPixelData } = await readInstanceFile(file, 'the file');
    return { dataset, hasPixelData };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return 'refused';
  }
}

function fromMemory(bytes: Uint8Array): Read {
  try {
    const { dataset, frames } = readInstance(bytes, 'the bytes');
    return { dataset, hasPixelData: frames.length > 0 };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return 'refused';
  }
}

const INSTANCE = smallInstance({ study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' });

describe('the header of a file whose pixels stay on the disk', () => {
  it('says what reading the whole file says, wherever the file is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(INSTANCE.length), async (length) => {
        const cut = INSTANCE.subarray(0, length);
        expect(await fromFile(cut)).toEqual(fromMemory(cut));
      }),
      { numRuns: 200 },
    );
    expect(fromMemory(INSTANCE)).not.toBe('refused');
  });

  it('is found behind elements that are larger than what is read at first', async () => {
    const { end } = readMeta(new Uint8Array(INSTANCE), 'the instance');
    for (const size of [65_000, 2_000_000]) {
      // Before all others: (0002,xxxx) is the only lower group.
      const large = explicit(0x0005_1010, 'OB', new Uint8Array(size));
      const bytes = joined(INSTANCE.subarray(0, end), large, INSTANCE.subarray(end));
      expect(await fromFile(bytes)).toEqual(fromMemory(bytes));
      expect(fromMemory(bytes)).toHaveProperty('hasPixelData', true);
    }
  });

  it('is refused where a deflated data set becomes far more than it was', async () => {
    const { end } = readMeta(new Uint8Array(INSTANCE), 'the instance');
    const explicitSyntax = Buffer.from('1.2.840.10008.1.2.1\0');
    const meta = Buffer.from(INSTANCE.subarray(0, end));
    // A UID of the same length that means Deflated Explicit VR Little Endian needs two characters more.
    const at = meta.indexOf(explicitSyntax);
    const longer = Buffer.concat([
      meta.subarray(0, at - 2),
      Buffer.from([22, 0]),
      Buffer.from('1.2.840.10008.1.2.1.99'),
      meta.subarray(at + explicitSyntax.length),
    ]);
    longer.writeUInt32LE(meta.readUInt32LE(140) + 2, 140);
    const bomb = joined(longer, deflateRawSync(Buffer.alloc(100_000_000)));
    expect(await fromFile(bomb)).toBe('refused');
    const honest = joined(longer, deflateRawSync(INSTANCE.subarray(end)));
    expect(await fromFile(honest)).toEqual(fromMemory(honest));
    expect(fromMemory(honest)).toHaveProperty('hasPixelData', true);
  });
});

describeWith(['shared'], 'the header of real files', () => {
  it('is the same in every transfer syntax and character set', async () => {
    for (const part of ['transfer-syntaxes', 'charsets']) {
      for (const name of await readdir(shared('data', part))) {
        if (!name.endsWith('.dcm')) continue;
        const bytes = await readFile(shared('data', part, name));
        expect(await fromFile(bytes), name).toEqual(fromMemory(bytes));
      }
    }
  });
});
