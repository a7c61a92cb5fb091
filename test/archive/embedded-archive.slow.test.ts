import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { number, readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { splitMultipart } from '../../src/dicom/web/multipart.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { collect } from '../support/collect.ts';
import { smallInstance } from '../support/small-instance.ts';

type Archive = Awaited<ReturnType<typeof startEmbeddedArchive>>;
let archive: Archive;
let client: DicomWebClient;

beforeEach(async () => {
  archive = await startEmbeddedArchive({ maxInstanceBytes: MAX_INSTANCE_BYTES });
  client = new DicomWebClient({ url: archive.url });
});
afterEach(() => archive.stop());

const MAX_INSTANCE_BYTES = 100_000;
const UIDS = { study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' };
const INSTANCE_PATH = '/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1';
const PIXELS = Buffer.from(Int16Array.of(-1000, 0, 40, 300).buffer);
const other = (study: string, series = `${study}.1`, sop = `${series}.1`) => ({ study, series, sop });

const get = (pathAndQuery: string, accept?: string) =>
  fetch(`${archive.url}${pathAndQuery}`, accept === undefined ? {} : { headers: { Accept: accept } });

/** UIDs, of the level searched, of what a search finds. */
async function found(pathAndQuery: string): Promise<string[]> {
  const response = await get(pathAndQuery);
  if (response.status === 204) return [];
  expect(response.status).toBe(200);
  const level = /(studies|series|instances)(\?|$)/.exec(pathAndQuery)?.[1];
  const tag = { studies: '0020000D', series: '0020000E', instances: '00080018' }[level ?? ''] ?? '';
  const datasets = (await response.json()) as Record<string, { Value?: string[] }>[];
  return datasets.map((dataset) => dataset[tag]?.Value?.[0] ?? '');
}

async function partsOf(response: Response): Promise<{ contentType: string | undefined; bytes: Buffer }[]> {
  const boundary = /boundary=([^;]+)/.exec(response.headers.get('Content-Type') ?? '')?.[1] ?? '';
  if (!response.body) return [];
  const parts = await collect(splitMultipart(response.body, boundary));
  return parts.map(({ contentType, bytes }) => ({ contentType, bytes: Buffer.from(bytes) }));
}

describe('storing in the embedded archive', () => {
  it('gives back the same bytes, in parts that name their transfer syntax', async () => {
    const bytes = smallInstance(UIDS);
    expect(await client.store(undefined, [bytes])).toEqual({ status: 200, stored: [UIDS.sop], failed: [] });
    const response = await get(
      INSTANCE_PATH,
      'multipart/related; type="application/dicom"; transfer-syntax=*',
    );
    expect(response.headers.get('Content-Type')).toMatch(
      /^multipart\/related; type="application\/dicom"; boundary=/,
    );
    const [part] = await partsOf(response);
    expect(part?.contentType).toBe('application/dicom; transfer-syntax=1.2.840.10008.1.2.1');
    expect(part?.bytes.equals(bytes)).toBe(true);
    expect((await get(INSTANCE_PATH, 'application/dicom')).headers.get('Content-Length')).toBe(
      String(bytes.length),
    );
  });

  it('takes the same instance again, also with other file meta information, and keeps one', async () => {
    const bytes = smallInstance(UIDS);
    const name = Buffer.from('PANSEGNET_NODE_1');
    const otherMeta = Buffer.from(bytes);
    otherMeta.write('SOMEBODY_ELSE_42', otherMeta.indexOf(name));
    for (const again of [bytes, bytes, otherMeta]) {
      expect((await client.store(undefined, [again])).status).toBe(200);
    }
    expect(await found('/instances')).toEqual([UIDS.sop]);
  });

  it('answers 500 where it cannot tell of what it stored, and tells of it when it is sent again', async () => {
    const told: string[] = [];
    let isDown = true;
    const telling = await startEmbeddedArchive({
      onStored: async (study) => {
        if (isDown) throw new Error('the database is away');
        told.push(study);
      },
      onProblem: () => undefined,
    });
    const sender = new DicomWebClient({ url: telling.url });
    try {
      await expect(sender.store(undefined, [smallInstance(UIDS)])).rejects.toMatchObject({ status: 500 });
      isDown = false;
      expect((await sender.store(undefined, [smallInstance(UIDS)])).status).toBe(200);
      expect(told).toEqual([UIDS.study]);
    } finally {
      await telling.stop();
    }
  });

  it('refuses other content under a UID that is there, says why, and keeps what it has', async () => {
    const bytes = smallInstance(UIDS);
    await client.store(undefined, [bytes]);
    const changed = smallInstance(UIDS, { PatientName: 'Somebody^Else' });
    expect(await client.store(undefined, [changed])).toEqual({
      status: 409,
      stored: [],
      failed: [{ sopInstanceUid: UIDS.sop, reason: 0x0111 }],
    });
    expect(Buffer.from(await client.retrieveInstance(UIDS.study, UIDS.series, UIDS.sop)).equals(bytes)).toBe(
      true,
    );
  });

  it('stores one of two contents that arrive under one UID at the same time', async () => {
    const names = ['A', 'B', 'C', 'D'];
    const outcomes = await Promise.all(
      names.map((PatientName) => client.store(undefined, [smallInstance(UIDS, { PatientName })])),
    );
    expect(outcomes.map((outcome) => outcome.status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409]);
  });

  it('answers 202 where some parts are not stored, and names them', async () => {
    const good = smallInstance(UIDS);
    const cut = smallInstance(other('1.2.3', '1.2.3.1', '1.2.3.1.2')).subarray(0, -1);
    const blank = smallInstance(other('1.2.3', '', '1.2.3.1.3'));
    const outcome = await client.store(undefined, [good, cut, Buffer.from('no DICOM'), blank]);
    expect(outcome.status).toBe(202);
    expect(outcome.stored).toEqual([UIDS.sop]);
    expect(outcome.failed.toSorted((a) => (a.sopInstanceUid ? -1 : 1))).toEqual([
      { sopInstanceUid: '1.2.3.1.3', reason: 0xc000 },
      { sopInstanceUid: undefined, reason: 0xc000 },
      { sopInstanceUid: undefined, reason: 0xc000 },
    ]);
    expect(await found('/instances')).toEqual([UIDS.sop]);
  });

  it('answers 409 where an instance belongs to another study than the path', async () => {
    expect(await client.store('1.2.9', [smallInstance(UIDS)])).toEqual({
      status: 409,
      stored: [],
      failed: [{ sopInstanceUid: UIDS.sop, reason: 0x0110 }],
    });
    expect(await found('/studies')).toEqual([]);
  });

  it.each<[number, string, string, string]>([
    [415, 'ARCHIVE_MEDIA_TYPE', 'application/dicom', 'x'],
    [415, 'ARCHIVE_MEDIA_TYPE', 'multipart/related; type="application/dicom+json"; boundary=b', '--b--'],
    [400, 'ARCHIVE_MEDIA_TYPE', 'multipart/related; type="application/dicom"', '--b--'],
    [400, 'ARCHIVE_MULTIPART', 'multipart/related; type="application/dicom"; boundary=b', '--b--'],
    [400, 'ARCHIVE_MULTIPART', 'multipart/related; type="application/dicom"; boundary=b', ''],
    [
      400,
      'ARCHIVE_MULTIPART',
      'multipart/related; boundary=b',
      '--b\r\nContent-Type: application/dicom\r\n\r\nx',
    ],
  ])('answers %i, %s to a body of type %s: %j', async (status, code, type, body) => {
    const response = await fetch(`${archive.url}/studies`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code, message: expect.any(String) });
  });

  it('answers 413 to an instance that is too large, without waiting for the rest, and keeps those before it', async () => {
    const head = '--b\r\nContent-Type: application/dicom\r\n\r\n';
    const huge = Buffer.alloc(20_000_000); // far more than network buffers hold
    const response = await fetch(`${archive.url}/studies`, {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/related; boundary=b' },
      body: Buffer.concat([Buffer.from(head), smallInstance(UIDS), Buffer.from(`\r\n${head}`), huge]),
    });
    expect(response.status).toBe(413);
    const message = expect.stringContaining('1 instances before that were stored');
    expect(await response.json()).toMatchObject({ code: 'ARCHIVE_TOO_LARGE', message });
    expect(await found('/instances')).toEqual([UIDS.sop]);
  });
});

/** Names of all files in the archive's folder. */
const files = async () =>
  (await readdir(archive.folder, { recursive: true })).filter((name) => /\.\w+$/.test(name)).sort();

describe('the folder of the embedded archive', () => {
  it('has everything after a restart, also where the header files are gone or torn', async () => {
    await client.store(undefined, [smallInstance(UIDS), smallInstance(other('1.2.4'))]);
    const before = await (await get('/instances')).json();
    await archive.halt();
    const headers = (await files()).filter((name) => name.endsWith('.json'));
    expect(headers).toHaveLength(2);
    await rm(path.join(archive.folder, headers[0] ?? ''));
    await writeFile(path.join(archive.folder, headers[1] ?? ''), '{"version":1,"stu');
    await archive.resume();
    expect(await (await get('/instances')).json()).toEqual(before);
  });

  it('has no file whose name comes from a DICOM value, and none of an instance whose UIDs are paths', async () => {
    const pathLike = smallInstance({ study: '1.2', series: '..', sop: '..' });
    expect((await client.store(undefined, [pathLike, smallInstance(UIDS)])).stored).toEqual([UIDS.sop]);
    const names = await files();
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^instances\/[0-9a-f]{2}\/[0-9a-f]{64}\.(dcm|json)$/);
  });

  it('that lost the end of a file serves the others', async () => {
    await client.store(undefined, [smallInstance(UIDS), smallInstance(other('1.2.4'))]);
    await archive.halt();
    for (const name of (await files()).filter((file) => file.endsWith('.dcm'))) {
      const file = path.join(archive.folder, name);
      const bytes = await readFile(file);
      if (bytes.includes('1.2.4.1.1')) await writeFile(file, bytes.subarray(0, -10));
    }
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await archive.resume();
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('left out'), expect.any(Error));
    told.mockRestore();
    expect(await found('/studies')).toEqual(['1.2.3']);
  });
});

describe('searching the embedded archive', () => {
  beforeEach(async () => {
    await client.store(undefined, [
      smallInstance(UIDS, { PatientName: 'Müller^Jörg=李^明', StudyDate: '20250301', InstanceNumber: '7' }),
      smallInstance(other('1.2.3', '1.2.3.1', '1.2.3.1.2'), { StudyDate: '20250301' }),
      smallInstance(other('1.2.3', '1.2.3.2'), {
        StudyDate: '20250301',
        Modality: 'SEG',
        SeriesNumber: '900',
      }),
      smallInstance(other('1.2.4'), { StudyDate: '20260301', Modality: 'MR', PatientID: 'P-2' }),
      smallInstance(other('1.2.5'), {
        StudyDate: '',
        PatientID: 'P-22',
        StudyDescription: 'Abdomen (venous)',
      }),
    ]);
  });

  it.each<[string, string[]]>([
    ['/studies', ['1.2.3', '1.2.4', '1.2.5']],
    ['/studies?StudyInstanceUID=1.2.4', ['1.2.4']],
    ['/studies?StudyInstanceUID=1.2.4,1.2.5,1.2.6', ['1.2.4', '1.2.5']],
    ['/studies?0020000d=1.2.4', ['1.2.4']],
    ['/studies?PatientID=P-2', ['1.2.4']],
    ['/studies?PatientID=P-2*', ['1.2.4', '1.2.5']],
    ['/studies?PatientID=P-2?', ['1.2.5']],
    ['/studies?PatientID=p-2', []],
    ['/studies?PatientID=', ['1.2.3', '1.2.4', '1.2.5']],
    ['/studies?PatientName=m%C3%BCller*', ['1.2.3']],
    ['/studies?PatientName=%E6%9D%8E*', ['1.2.3']],
    ['/studies?StudyDescription=*(venous)', ['1.2.5']],
    ['/studies?StudyDate=20260301', ['1.2.4']],
    ['/studies?StudyDate=20250302-20260301', ['1.2.4']],
    ['/studies?StudyDate=20250301-', ['1.2.3', '1.2.4']],
    ['/studies?StudyDate=-20260228', ['1.2.3']],
    ['/studies?StudyTime=10-10', ['1.2.3', '1.2.4', '1.2.5']],
    ['/studies?ModalitiesInStudy=SEG', ['1.2.3']],
    ['/studies?ModalitiesInStudy=SEG,MR', ['1.2.3', '1.2.4']],
    ['/studies?limit=2', ['1.2.3', '1.2.4']],
    ['/studies?limit=2&offset=2', ['1.2.5']],
    ['/studies?limit=2&offset=3', []],
    ['/studies?includefield=all&includefield=00081030', ['1.2.3', '1.2.4', '1.2.5']],
    ['/series?Modality=MR', ['1.2.4.1']],
    ['/series?SeriesNumber=0900', ['1.2.3.2']],
    ['/studies/1.2.3/series', ['1.2.3.1', '1.2.3.2']],
    ['/studies/1.2.3/series?SeriesInstanceUID=1.2.3.2', ['1.2.3.2']],
    ['/studies/1.2.9/series', []],
    ['/studies/1.2.3/instances', ['1.2.3.1.1', '1.2.3.1.2', '1.2.3.2.1']],
    ['/studies/1.2.3/instances?InstanceNumber=7', ['1.2.3.1.1']],
    ['/studies/1.2.3/series/1.2.3.1/instances', ['1.2.3.1.1', '1.2.3.1.2']],
    ['/instances?SOPInstanceUID=1.2.3.1.2&PatientID=P-1', ['1.2.3.1.2']],
  ])('%s finds %j', async (query, uids) => {
    expect(await found(query)).toEqual(uids);
  });

  it('counts series and instances, and names the modalities of a study', async () => {
    const [study] = await collect(client.searchStudies({ lookBack: 'all', now: new Date(), pageSize: 1 }));
    expect(study && number(study, 'NumberOfStudyRelatedSeries')).toBe(2);
    expect(study && number(study, 'NumberOfStudyRelatedInstances')).toBe(3);
    expect(study?.['ModalitiesInStudy']).toEqual(['CT', 'SEG']);
    expect(study && text(study, 'PatientName')).toBe('Müller^Jörg=李^明');
    const series = await client.searchSeries('1.2.3');
    expect(series.map((one) => number(one, 'NumberOfSeriesRelatedInstances'))).toEqual([2, 1]);
  });

  it('says in a warning what of a query it did not do', async () => {
    expect((await get('/studies?PatientID=P-2&fuzzymatching=true')).headers.get('Warning')).toContain(
      'fuzzymatching',
    );
    expect((await get('/studies?KVP=120')).headers.get('Warning')).toContain('00180060');
    expect((await get('/studies?PatientID=P-2')).headers.get('Warning')).toBeNull();
  });

  it.each([
    'StudyDat=20260301',
    'limit=-1',
    'limit=x',
    'offset=1.5',
    'constructor=1',
    'PatientID=1&00100020=2',
  ])('refuses ?%s', async (query) => {
    const response = await get(`/studies?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'ARCHIVE_QUERY' });
  });

  it('is not kept busy by a query of many stars', async () => {
    const pattern = `${'*M'.repeat(200)}*x`;
    await client.store(undefined, [smallInstance(other('1.2.6'), { StudyDescription: 'M'.repeat(64) })]);
    const begin = performance.now();
    expect(await found(`/studies?StudyDescription=${pattern}`)).toEqual([]);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

describe('retrieving from the embedded archive', () => {
  beforeEach(async () => {
    await client.store(undefined, [smallInstance(UIDS), smallInstance(other('1.2.3', '1.2.3.2'))]);
  });

  it('gives a study, a series, an instance', async () => {
    for (const [where, count] of [
      ['/studies/1.2.3', 2],
      ['/studies/1.2.3/series/1.2.3.1', 1],
      [INSTANCE_PATH, 1],
    ] as const) {
      const parts = await partsOf(await get(where));
      expect(parts).toHaveLength(count);
      for (const part of parts) readInstance(part.bytes, 'part');
    }
  });

  it('gives metadata in DICOM JSON, with the pixel data as an address that holds it', async () => {
    const response = await get(`${INSTANCE_PATH}/metadata`, 'application/dicom+json');
    expect(response.headers.get('Content-Type')).toContain('application/dicom+json');
    const [dataset] = (await response.json()) as Record<
      string,
      { vr: string; Value?: unknown; BulkDataURI?: string }
    >[];
    expect(dataset?.['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] });
    expect(dataset?.['00280010']).toEqual({ vr: 'US', Value: [2] });
    expect(dataset?.['7FE00010']?.vr).toBe('OW');
    const bulk = await fetch(dataset?.['7FE00010']?.BulkDataURI ?? '', {
      headers: { Accept: 'application/octet-stream' },
    });
    expect(Buffer.from(await bulk.arrayBuffer()).equals(PIXELS)).toBe(true);
  });

  it('gives frames of native pixel data as octets', async () => {
    for (const accept of [
      undefined,
      '*/*',
      'multipart/related; type="application/octet-stream"',
      'multipart/related; type=application/octet-stream; transfer-syntax=*',
      'multipart/related; type="image/jpeg", multipart/related; type="application/octet-stream"; ' +
        'transfer-syntax=1.2.840.10008.1.2.1',
    ]) {
      const [part] = await partsOf(await get(`${INSTANCE_PATH}/frames/1`, accept));
      expect(part?.contentType).toBe('application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1');
      expect(part?.bytes.equals(PIXELS)).toBe(true);
    }
  });

  it('gives each frame that is asked for, in that order', async () => {
    const sop = '1.2.3.1.9';
    const frames = { NumberOfFrames: '3', PixelData: Int16Array.from({ length: 12 }, (_, i) => i).buffer };
    await client.store(undefined, [smallInstance(other('1.2.3', '1.2.3.1', sop), frames)]);
    const parts = await partsOf(await get(`/studies/1.2.3/series/1.2.3.1/instances/${sop}/frames/3,1`));
    expect(parts.map((part) => part.bytes.readInt16LE(0))).toEqual([8, 0]);
  });

  it('gives single bits that are packed across frames as bulk data only', async () => {
    const sop = '1.2.3.1.9';
    const bits = Uint8Array.of(0b1010_0110, 0b0000_0101);
    const packed = {
      BitsAllocated: 1,
      BitsStored: 1,
      HighBit: 0,
      PixelRepresentation: 0,
      NumberOfFrames: '3',
    };
    await client.store(undefined, [
      smallInstance(other('1.2.3', '1.2.3.1', sop), {
        ...packed,
        PixelData: bits.buffer,
        _vrMap: { PixelData: 'OB' },
      }),
    ]);
    const instance = `/studies/1.2.3/series/1.2.3.1/instances/${sop}`;
    expect((await get(`${instance}/frames/1`)).status).toBe(406);
    const [bulk] = await partsOf(await get(`${instance}/bulkdata/7FE00010`));
    expect(bulk?.bytes).toEqual(Buffer.from(bits));
  });

  it.each([
    ['/studies/1.2.9', 404, 'ARCHIVE_NOT_FOUND'],
    ['/studies/1.2.3/series/1.2.9/metadata', 404, 'ARCHIVE_NOT_FOUND'],
    ['/studies/1.2.3/series/1.2.3.2/instances/1.2.3.1.1', 404, 'ARCHIVE_NOT_FOUND'],
    [`${INSTANCE_PATH}/frames/2`, 404, 'ARCHIVE_NOT_FOUND'],
    [`${INSTANCE_PATH}/frames/0`, 404, 'ARCHIVE_NOT_FOUND'],
    [`${INSTANCE_PATH}/frames/one`, 400, 'ARCHIVE_REQUEST'],
    [`${INSTANCE_PATH}/rendered`, 404, 'ARCHIVE_NOT_FOUND'],
    ['/studies/%ff', 400, 'ARCHIVE_REQUEST'],
    ['/nothing', 404, 'ARCHIVE_NOT_FOUND'],
  ])('answers GET %s with %i, %s', async (where, status, code) => {
    const response = await get(where);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it.each([
    [INSTANCE_PATH, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80'],
    [INSTANCE_PATH, 'image/png'],
    [`${INSTANCE_PATH}/frames/1`, 'multipart/related; type="image/jpeg"'],
    [`${INSTANCE_PATH}/metadata`, 'application/dicom+xml'],
  ])('answers GET %s of %s with 406', async (where, accept) => {
    const response = await get(where, accept);
    expect(response.status).toBe(406);
    expect(await response.json()).toMatchObject({ code: 'ARCHIVE_NOT_ACCEPTABLE' });
  });

  it('answers methods that it has not with 405', async () => {
    const response = await fetch(`${archive.url}/studies/1.2.3`, { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(await response.json()).toMatchObject({ code: 'ARCHIVE_METHOD' });
  });

  it('works with dicomweb-client, as viewers use it', async () => {
    const viewer = new DicomWebClient({ url: archive.url }); // which asks through that library
    expect(await viewer.searchSeries('1.2.3')).toHaveLength(2);
    expect(await viewer.seriesMetadata('1.2.3', '1.2.3.1')).toHaveLength(1);
  });
});

describe('requests that nobody should send', () => {
  it('get a 4xx or an empty answer, never a 5xx, and store nothing', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'studies',
        'series',
        'instances',
        'metadata',
        'frames',
        'bulkdata',
        '..',
        '%00',
        '%2e%2e%2f',
        '',
      ),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
      fc.constantFrom('1.2.3', '__proto__', 'constructor', '*', '%E0%A4%A'),
    );
    const target = fc.tuple(
      fc.array(piece, { maxLength: 7 }),
      fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        target,
        fc.constantFrom('GET', 'POST', 'DELETE'),
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(
          'multipart/related; boundary=b',
          'application/dicom',
          'multipart/related; boundary="',
          '',
        ),
        async ([pieces, query], method, body, type) => {
          const response = await fetch(`${archive.url}/${pieces.join('/')}?${new URLSearchParams(query)}`, {
            method,
            headers: { 'Content-Type': type },
            ...(method === 'POST' && { body }),
          });
          await response.arrayBuffer();
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
    expect(await found('/instances')).toEqual([]);
  });
});
