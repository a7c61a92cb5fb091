import { describe, expect, it } from 'vitest';
import { readInstance, requiredText } from '../../src/dicom/reading/dataset.ts';
import type { StoreFailure } from '../../src/dicom/web/store-answer.ts';
import { type StoreTarget, storeVerified } from '../../src/dicom/web/store-verified.ts';
import { smallInstance } from '../support/small-instance.ts';

const STUDY = '1.2.3';
const uids = (sop: string) => ({ study: STUDY, series: '1.2.3.4', sop });
const parts = ['1.2.3.4.1', '1.2.3.4.2', '1.2.3.4.3'].map((sop) => smallInstance(uids(sop)));

const sopOf = (bytes: Uint8Array) =>
  requiredText(readInstance(bytes, 'test').dataset, 'SOPInstanceUID', 'test');

/**
 * An archive that decides for each instance and each time it is sent whether it keeps it, whatever it
 * answers.
 */
class ForgetfulArchive implements StoreTarget {
  readonly requests: string[][] = [];
  readonly #kept = new Set<string>();
  readonly #keeps: (sop: string, request: number) => boolean;
  readonly #lists: boolean;
  readonly #reason: number | undefined;

  constructor(
    keeps: (sop: string, request: number) => boolean,
    { lists = true, reason }: { lists?: boolean; reason?: number } = {},
  ) {
    this.#keeps = keeps;
    this.#lists = lists;
    this.#reason = reason;
  }

  async store(_study: string | undefined, bytes: readonly Uint8Array[]) {
    const sops = bytes.map(sopOf);
    this.requests.push(sops);
    const kept = sops.filter((sop) => this.#keeps(sop, this.requests.length));
    for (const sop of kept) this.#kept.add(sop);
    const { requests } = this;
    const lost = sops.filter((sop) => !kept.includes(sop));
    const failed: StoreFailure[] = lost.map((sopInstanceUid) => ({ sopInstanceUid, reason: this.#reason }));
    // Without a reason it claims to have stored everything.
    const status = this.#reason === undefined ? 200 : 202;
    return { status, stored: requests.flat(), failed: this.#reason === undefined ? [] : failed };
  }

  async storedInstances() {
    return new Set(this.#lists ? this.#kept : []);
  }

  async isStored(_study: string, _series: string, sop: string) {
    return this.#kept.has(sop);
  }
}

describe('storing with proof', () => {
  it('sends once where everything arrives, and says what', async () => {
    const archive = new ForgetfulArchive(() => true);
    const stored = await storeVerified(archive, STUDY, parts);
    expect(archive.requests).toHaveLength(1);
    expect(stored.map((one) => one.sopInstanceUid)).toEqual(parts.map(sopOf));
    expect(stored[0]).toEqual({
      studyInstanceUid: STUDY,
      seriesInstanceUid: '1.2.3.4',
      sopInstanceUid: '1.2.3.4.1',
    });
  });

  it('sends again only what is missing, though the archive claimed to have it', async () => {
    const archive = new ForgetfulArchive((sop, request) => sop !== '1.2.3.4.2' || request > 1);
    await storeVerified(archive, STUDY, parts);
    expect(archive.requests).toEqual([parts.map(sopOf), ['1.2.3.4.2']]);
  });

  it('names the instances that are missing in the end, with the reasons that the archive gave', async () => {
    const archive = new ForgetfulArchive((sop) => sop !== '1.2.3.4.2', { reason: 0xa700 });
    await expect(storeVerified(archive, STUDY, parts)).rejects.toMatchObject({
      code: 'DICOM_STORE_INCOMPLETE',
      message: '1 of 3 instances are not in the archive after storing: 1.2.3.4.2: out of resources (0xA700)',
    });
    expect(archive.requests).toHaveLength(3);
  });

  it('takes an instance as stored that the list does not have yet, but that can be fetched', async () => {
    const archive = new ForgetfulArchive(() => true, { lists: false });
    await storeVerified(archive, STUDY, parts);
    expect(archive.requests).toHaveLength(1);
  });

  it('sends nothing where one instance is cut off, and says which', async () => {
    const archive = new ForgetfulArchive(() => true);
    const cut = parts.with(1, parts[1]?.subarray(0, -3) ?? new Uint8Array());
    await expect(storeVerified(archive, STUDY, cut)).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: expect.stringContaining('instance 2 of 3 to store'),
    });
    expect(archive.requests).toEqual([]);
  });

  it('keeps the requests small', async () => {
    const pixels = { Rows: 1024, Columns: 5120, PixelData: new Int16Array(1024 * 5120).buffer };
    const large = Array.from({ length: 4 }, (_, i) => smallInstance(uids(`1.2.3.4.${i}`), pixels));
    const archive = new ForgetfulArchive(() => true);
    await storeVerified(archive, STUDY, large);
    expect(archive.requests.map((request) => request.length)).toEqual([3, 1]); // 10 MiB each, 32 MiB at most
  });
});
