import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identifyFile } from '../../src/arrivals/intake/instance-identity.ts';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import {
  readForeignInstance,
  readForeignJson,
  readForeignValues,
} from '../../src/dicom/reading/foreign-instances.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { explicit, implicit, joined, rawFile } from '../support/raw-elements.ts';
import { smallInstance } from '../support/small-instance.ts';

const EXPLICIT = TRANSFER_SYNTAX.explicitLittleEndian;
const IDENTITY = joined(
  explicit(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
  explicit(0x00080018, 'UI', '1.2.3.1.1'),
  explicit(0x0020000d, 'UI', '1.2.3'),
  explicit(0x0020000e, 'UI', '1.2.3.1'),
);
/** Texts of half a million empty values each. */
const texts = (count: number) =>
  joined(...Array.from({ length: count }, (_, i) => explicit(0x00990010 + i, 'UC', '\\'.repeat(524_286))));
const emptyItems = (count: number) =>
  explicit(0x52009230, 'SQ', Buffer.alloc(8 * count, implicit(0xfffee000, '')));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'foreign-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function identify(bytes: Uint8Array) {
  const file = path.join(folder, 'instance.dcm');
  await writeFile(file, bytes);
  return identifyFile(file);
}

describe('an instance that a stranger made', () => {
  it('is identified without its other values, however many it has', async () => {
    const { identity } = await identify(rawFile(EXPLICIT, IDENTITY, texts(20)));
    expect(identity).toMatchObject({ studyUid: '1.2.3', sopUid: '1.2.3.1.1' });
  });

  it('is refused at the door with a reason: empty items, and what deflates to a thousandth', async () => {
    await expect(identify(rawFile(EXPLICIT, IDENTITY, emptyItems(450_000)))).rejects.toMatchObject({
      refusal: 'unreadable',
      message: 'the instance: more than 300000 items',
    });
    const bomb = deflateRawSync(joined(IDENTITY, texts(60)));
    await expect(identify(rawFile(TRANSFER_SYNTAX.deflated, bomb))).rejects.toMatchObject({
      refusal: 'unreadable',
      message: expect.stringMatching(/it becomes more than \d+ bytes/),
    });
  });

  it('is given up with a reason where the archive gives it for processing', async () => {
    const many = readForeignInstance(rawFile(EXPLICIT, IDENTITY, texts(20)), 'slice');
    await expect(many).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: 'slice: more than 2000000 values',
    });
    const bomb = rawFile(TRANSFER_SYNTAX.deflated, deflateRawSync(joined(IDENTITY, texts(60))));
    await expect(readForeignInstance(bomb, 'slice')).rejects.toMatchObject({ code: 'DICOM_UNREADABLE' });
  });

  it('gives a few values, and its bytes back, whatever else it holds', async () => {
    const large = rawFile(EXPLICIT, IDENTITY, emptyItems(20_000));
    for (const given of [large, rawFile(EXPLICIT, IDENTITY)]) {
      const copy = given.slice();
      const { dataset, bytes } = await readForeignValues(given, 'slice', ['0020000D']);
      expect(dataset).toEqual({ StudyInstanceUID: '1.2.3' });
      expect(Buffer.compare(bytes, copy)).toBe(0);
    }
  });

  it('is read from JSON as from anywhere, without lists and texts that no header has', async () => {
    const json = {
      '0020000D': { vr: 'UI', Value: ['1.2.3'] },
      '00081030': { vr: 'LO', Value: ['x'.repeat(70_000)] },
      '00281101': { vr: 'US', Value: Array.from({ length: 40_000 }, () => 0) },
    };
    const { dataset, lacksValues } = await readForeignJson(Buffer.from(JSON.stringify(json)), 'slice');
    expect(dataset).toEqual({ StudyInstanceUID: '1.2.3' });
    expect(lacksValues).toBe(false);
    const many = Object.fromEntries(
      Array.from({ length: 10_001 }, (_, i) => [(0x10090000 + i).toString(16), { vr: 'SH' }]),
    );
    const refused = await readForeignJson(Buffer.from(JSON.stringify(many)), 'slice');
    expect(refused.dataset).toBeUndefined();
    await expect(readForeignJson(Buffer.from('{"0020'), 'slice')).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: 'slice: not JSON',
    });
  });

  it('is read as every other is, deflated or with a large header', async () => {
    const small = smallInstance({ study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' });
    expect(await readForeignInstance(small, 'slice')).toEqual(readInstance(small, 'slice'));
    const deflated = rawFile(TRANSFER_SYNTAX.deflated, deflateRawSync(IDENTITY));
    expect(text((await readForeignInstance(deflated, 'slice')).dataset, 'StudyInstanceUID')).toBe('1.2.3');
    const large = rawFile(EXPLICIT, IDENTITY, emptyItems(20_000));
    const expected = readInstance(large, 'slice');
    expect(await readForeignInstance(large.slice(), 'slice')).toEqual(expected);
  });
});
