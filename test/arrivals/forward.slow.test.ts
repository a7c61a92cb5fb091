import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Forwarder } from '../../src/arrivals/intake/forward.ts';
import type { InstanceSource, Spool } from '../../src/arrivals/intake/spool.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { PATIENCE } from '../support/patience.ts';
import { filesOf, openSpool } from '../support/receiving.ts';
import { smallInstance } from '../support/small-instance.ts';

const MAX_INSTANCE_BYTES = 20_000;
const UIDS = { study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' };
const STOW = { kind: 'stow' } as const;

let archive: Awaited<ReturnType<typeof startEmbeddedArchive>>;
let client: DicomWebClient;
let folder: string;
let spool: Spool;
let forwarder: Forwarder | undefined;
let announced: [string, InstanceSource][];
const logged = vi.fn<(fields: object, message: string) => void>();

beforeEach(async () => {
  archive = await startEmbeddedArchive({ maxInstanceBytes: MAX_INSTANCE_BYTES });
  client = new DicomWebClient({ url: archive.url });
  folder = await mkdtemp(path.join(tmpdir(), 'forward-'));
  spool = await openSpool(folder);
  announced = [];
  logged.mockReset();
});
afterEach(async () => {
  await forwarder?.stop();
  await archive.stop();
  await rm(folder, { recursive: true });
});

async function take(bytes: Uint8Array, source: InstanceSource = STOW): Promise<void> {
  await spool.keep([await spool.receive(chunks(bytes), source)]);
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

function forward(archiveParts: Partial<DicomWebClient> = {}): void {
  forwarder = new Forwarder({
    spool,
    archive: {
      storeFiles: (...parameters) => client.storeFiles(...parameters),
      storedInstances: (...parameters) => client.storedInstances(...parameters),
      isStored: (...parameters) => client.isStored(...parameters),
      ...archiveParts,
    },
    announce: async (study, source) => void announced.push([study, source]),
    log: { info: logged, warn: logged, error: logged },
    firstPauseMs: 1,
  });
  forwarder.start();
}

const emptied = () => vi.waitFor(() => expect(spool.figures.waiting).toBe(0), PATIENCE);

describe('what lies in the spool', () => {
  it('is in the archive, byte for byte, and its study is announced with its source before the file goes', async () => {
    const bytes = smallInstance(UIDS);
    const source = { kind: 'dimse', callingAeTitle: 'SCANNER1' } as const;
    await take(bytes, source);
    forward();
    await emptied();
    expect(Buffer.from(await client.retrieveInstance(UIDS.study, UIDS.series, UIDS.sop)).equals(bytes)).toBe(
      true,
    );
    expect(announced).toEqual([[UIDS.study, source]]);
    expect(await filesOf(folder)).toEqual([]);
    expect(spool.figures).toEqual({ waiting: 0, refused: 0, bytes: 0, oldestSince: undefined });
  });

  it('is sent when it comes in later, too', async () => {
    forward();
    for (const study of ['1.1', '1.2', '1.3']) {
      await take(smallInstance({ study, series: `${study}.1`, sop: `${study}.1.1` }));
      await emptied();
    }
    expect(announced.map(([study]) => study)).toEqual(['1.1', '1.2', '1.3']);
  });

  it('is not sent again where the archive holds it, but announced: a kill may have come between', async () => {
    await client.store(undefined, [smallInstance(UIDS)]);
    const storeFiles = vi.fn<DicomWebClient['storeFiles']>(client.storeFiles.bind(client));
    await take(smallInstance(UIDS));
    await take(smallInstance({ ...UIDS, sop: '1.2.3.1.2' }));
    forward({ storeFiles });
    await emptied();
    expect(storeFiles.mock.calls.map(([files]) => files.length)).toEqual([1]);
    expect(announced).toEqual([[UIDS.study, STOW]]);
  });

  it('survives a restart: what was acknowledged is sent, what was cut off is gone, other files are kept aside', async () => {
    await take(smallInstance(UIDS));
    await writeFile(path.join(folder, 'incoming', 'half'), 'half an instance');
    await writeFile(path.join(folder, 'ready', 'torn.stow.dcm'), 'no DICOM');
    spool = await openSpool(folder);
    expect(spool.figures).toMatchObject({ waiting: 1, refused: 1 });
    forward();
    await emptied();
    expect(announced).toEqual([[UIDS.study, STOW]]);
    expect(await filesOf(folder)).toEqual(['refused/torn.stow.dcm']);
  });

  it('waits while the archive is down, which is logged once, and goes on when it is back', async () => {
    await archive.halt();
    await take(smallInstance(UIDS));
    const tries = vi.fn<DicomWebClient['storedInstances']>(client.storedInstances.bind(client));
    forward({ storedInstances: tries });
    await vi.waitFor(() => expect(tries.mock.calls.length).toBeGreaterThan(2));
    expect(spool.figures.waiting).toBe(1);
    await archive.resume();
    await emptied();
    const messages = logged.mock.calls.map(([, message]) => message);
    expect(messages.filter((message) => message.includes('going on trying'))).toHaveLength(1);
    expect(messages).toContain('received instances can be sent to the archive again');
    expect(await client.isStored(UIDS.study, UIDS.series, UIDS.sop)).toBe(true);
  });

  it('holds up nothing else where the archive breaks at it, whatever that has to do with it', async () => {
    for (const study of ['1.1', '1.2', '1.3']) {
      await take(smallInstance({ study, series: `${study}.1`, sop: `${study}.1.1` }));
    }
    let isBroken = true;
    forward({
      storeFiles: async (files, signal) => {
        const isFirst = files.some(({ path: file }) => file === first?.file);
        if (isBroken && isFirst) throw new DicomWebStatusError('http://archive', 500);
        return client.storeFiles(files, signal);
      },
    });
    const [first] = spool.waiting;
    await vi.waitFor(() => expect(announced.map(([study]) => study)).toEqual(['1.2', '1.3']), 10_000);
    isBroken = false;
    await emptied();
    expect(announced.at(-1)?.[0]).toBe('1.1');
  });

  it('holds up nothing else where somebody took its file away, which is logged', async () => {
    await take(smallInstance(UIDS));
    await take(smallInstance({ ...UIDS, sop: '1.2.3.1.2' }));
    await take(smallInstance({ study: '1.3', series: '1.3.1', sop: '1.3.1.1' }));
    const [gone] = spool.waiting;
    if (gone) await rm(gone.file);
    forward();
    await emptied();
    expect(announced.map(([study]) => study).sort()).toEqual([UIDS.study, '1.3']);
    expect(logged).toHaveBeenCalledWith(
      expect.objectContaining({ sopInstanceUid: UIDS.sop }),
      expect.stringContaining('gone from the spool'),
    );
  });

  it('waits while the archive is out of resources, however often it says so', async () => {
    await take(smallInstance(UIDS));
    let full = 7;
    forward({
      storeFiles: async (...parameters) => {
        if (full-- <= 0) return client.storeFiles(...parameters);
        return { status: 409, stored: [], failed: [{ sopInstanceUid: UIDS.sop, reason: 0xa700 }] };
      },
    });
    await emptied();
    expect(spool.figures.refused).toBe(0);
    expect(await client.isStored(UIDS.study, UIDS.series, UIDS.sop)).toBe(true);
  });

  it('is kept aside where the archive refuses it for good, and holds up nothing else', async () => {
    const edge = 200;
    const large = { Rows: edge, Columns: edge, PixelData: new ArrayBuffer(edge * edge * 2) };
    await take(smallInstance({ ...UIDS, sop: '1.2.3.1.2' }, large));
    await take(smallInstance(UIDS));
    await take(smallInstance({ study: '1.3', series: '1.3.1', sop: '1.3.1.1' }));
    forward();
    await emptied();
    expect(spool.figures).toMatchObject({ waiting: 0, refused: 1 });
    expect(announced.map(([study]) => study).sort()).toEqual(['1.2.3', '1.3']);
    const { bytes } = spool.figures;
    expect(bytes).toBeGreaterThan(edge * edge * 2);
    // A person has looked, and makes room again.
    spool = await openSpool(folder, { maxSpoolBytes: bytes });
    await expect(spool.checkRoom()).rejects.toMatchObject({ refusal: 'full' });
    for (const name of await filesOf(folder)) await rm(path.join(folder, name));
    await spool.checkRoom();
    const [error] = logged.mock.calls.filter(([, message]) => message.includes('refuses'));
    expect(error?.[0]).toMatchObject({ sopInstanceUid: '1.2.3.1.2', reason: expect.stringContaining('413') });
  });
});

it('what cannot be made safe is not kept, and takes no room', async () => {
  const held = await spool.receive(chunks(smallInstance(UIDS)), STOW);
  await rm(path.join(folder, 'ready'), { recursive: true });
  await expect(spool.keep([held])).rejects.toThrow('ENOENT');
  expect(spool.figures).toMatchObject({ waiting: 0, bytes: 0 });
  expect(await filesOf(folder)).toEqual([]);
});
