import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  numbers,
  readInstance,
  requiredNumber,
  requiredText,
  text,
} from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { multipartBoundary, splitMultipart } from '../../src/dicom/web/multipart.ts';
import { describeArchives, startEmbeddedArchive } from '../support/archives.ts';
import { collect } from '../support/collect.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';

const run = promisify(execFile);

const folderOf = (name: string) => shared('data', 'ct-abdomen', name);
const filesOf = (folder: string) => readdirSync(folder).map((name) => readFileSync(path.join(folder, name)));

/** SOP instance UID -> bytes. */
function bySopUid(files: readonly Uint8Array[]): Map<string, Uint8Array> {
  return new Map(files.map((bytes) => [uidsOf(bytes).sop, bytes]));
}

function uidsOf(bytes: Uint8Array): { study: string; series: string; sop: string } {
  const { dataset } = readInstance(bytes, 'instance');
  const uid = (keyword: string) => requiredText(dataset, keyword, 'instance');
  return { study: uid('StudyInstanceUID'), series: uid('SeriesInstanceUID'), sop: uid('SOPInstanceUID') };
}

const hashesOf = (frames: readonly Uint8Array[]) => frames.map((frame) => hash('sha256', frame));

const everything = { lookBack: 'all', now: new Date(), pageSize: 50 } as const;
const studyUids = async (client: DicomWebClient, pageSize = 50) =>
  (await collect(client.searchStudies({ ...everything, pageSize }))).map((study) =>
    text(study, 'StudyInstanceUID'),
  );

describeWith(['shared'], 'a CT study in an archive', () => {
  describeArchives('by DICOMweb', (archive) => {
    let client: DicomWebClient;
    let ct: Uint8Array[];
    let scout: Uint8Array[];
    let uids: ReturnType<typeof uidsOf>;

    beforeAll(async () => {
      client = new DicomWebClient({ url: archive.url });
      ct = filesOf(folderOf('ct'));
      scout = filesOf(folderOf('scout'));
      uids = uidsOf(ct[0] ?? new Uint8Array());
      await client.storeVerified(uids.study, [...ct, ...scout]);
    });

    const counts = async () => {
      const series = await client.searchSeries(uids.study);
      return series
        .map((one) => requiredNumber(one, 'NumberOfSeriesRelatedInstances', 'series'))
        .toSorted((a, b) => a - b);
    };

    it('is listed with its series and their counts, by its date or without', async () => {
      expect(await studyUids(client)).toContain(uids.study);
      expect(await counts()).toEqual([1, 60]);
      const inYears = (lookBack: number) =>
        collect(client.searchStudies({ lookBack, now: new Date(1960, 0, 20), pageSize: 50 }));
      expect(await inYears(4)).toHaveLength(1); // its StudyDate says 16 January 1960
      expect(await inYears(3)).toHaveLength(0);
    });

    it('comes back byte for byte, in its stored transfer syntax', async () => {
      const sent = bySopUid(ct);
      const received = bySopUid(await collect(client.retrieveSeries(uids.study, uids.series)));
      expect([...received.keys()].toSorted()).toEqual([...sent.keys()].toSorted());
      for (const [sop, bytes] of received) expect(Buffer.compare(bytes, sent.get(sop) ?? bytes)).toBe(0);
    });

    it('has metadata that says the same as the files', async () => {
      const metadata = await client.seriesMetadata(uids.study, uids.series);
      expect(metadata).toHaveLength(60);
      const sent = bySopUid(ct);
      for (const dataset of metadata) {
        const file = sent.get(requiredText(dataset, 'SOPInstanceUID', 'metadata'));
        const original = readInstance(file ?? new Uint8Array(), 'file').dataset;
        for (const keyword of ['ImagePositionPatient', 'ImageOrientationPatient', 'PixelSpacing']) {
          expect(numbers(dataset, keyword)).toEqual(numbers(original, keyword));
        }
        for (const keyword of ['PatientName', 'SeriesDescription', 'Modality', 'ConvolutionKernel']) {
          expect(text(dataset, keyword)).toBe(text(original, keyword));
        }
      }
    });

    it('is there once, however often it is stored', async () => {
      await client.storeVerified(undefined, ct.slice(0, 10));
      await client.storeVerified(uids.study, ct.slice(5, 15));
      expect(await counts()).toEqual([1, 60]);
    });

    it('is found among others, page by page', async () => {
      const others = Array.from({ length: 6 }, (_, i) => {
        return smallInstance({ study: `1.2.826.${i}`, series: `1.2.826.${i}.1`, sop: `1.2.826.${i}.1.1` });
      });
      await client.storeVerified(undefined, others);
      const found = await studyUids(client, 2);
      expect(new Set(found).size).toBe(7);
      expect(found).toHaveLength(7);
    });

    it('stays as it is where an instance of another study is sent along; the error names that one', async () => {
      const stray = { study: '1.2.826.9', series: '1.2.826.9.1', sop: '1.2.826.9.1.1' };
      await expect(
        client.storeVerified(uids.study, [...ct.slice(0, 2), smallInstance(stray)]),
      ).rejects.toMatchObject({
        code: 'DICOM_STORE_INCOMPLETE',
        message: expect.stringMatching(
          /^1 of 3 instances .*1\.2\.826\.9\.1\.1: processing failure \(0x0110\)$/,
        ),
      });
      expect(await counts()).toEqual([1, 60]);
      expect(await studyUids(client)).not.toContain(stray.study);
    });

    it('is stored without the instance that is corrupt, and the outcome says which are there', async () => {
      const good = smallInstance({ study: '1.2.826.20', series: '1.2.826.20.1', sop: '1.2.826.20.1.1' });
      const outcome = await client.store(undefined, [good, Buffer.from('no DICOM at all')]);
      expect(outcome.status).not.toBe(200);
      expect(outcome.stored).toEqual(['1.2.826.20.1.1']);
    });

    it('is sent not at all by storeVerified where an instance is cut off', async () => {
      const whole = smallInstance({ study: '1.2.826.21', series: '1.2.826.21.1', sop: '1.2.826.21.1.1' });
      const cut = ct[0]?.subarray(0, -1000) ?? new Uint8Array();
      await expect(client.storeVerified(undefined, [whole, cut])).rejects.toMatchObject({
        code: 'DICOM_UNREADABLE',
        message: expect.stringContaining('instance 2 of 2'),
      });
      expect(await studyUids(client)).not.toContain('1.2.826.21');
    });

    it('that is not there has no series, no metadata and no instances', async () => {
      expect(await client.isStored('1.2.99', '1.2.99.1', '1.2.99.1.1')).toBe(false);
      expect(await client.storedInstances('1.2.99', '1.2.99.1')).toEqual(new Set());
      await expect(collect(client.retrieveSeries('1.2.99', '1.2.99.1'))).rejects.toMatchObject({
        code: 'DICOM_WEB_STATUS',
        status: 404,
      });
    });

    it('is out of reach while the archive is down, and back when it is back', async () => {
      await archive.halt();
      const unreachable = { code: 'DICOM_WEB_UNREACHABLE', message: expect.stringContaining(archive.url) };
      await expect(studyUids(client)).rejects.toMatchObject(unreachable);
      await expect(collect(client.retrieveSeries(uids.study, uids.series))).rejects.toMatchObject(
        unreachable,
      );
      await expect(client.storeVerified(undefined, ct.slice(0, 1))).rejects.toMatchObject(unreachable);
      await archive.resume();
      expect(await counts()).toEqual([1, 60]);
    });
  });
});

describeWith(['shared'], 'compressed frames in the embedded archive', () => {
  const JPEG_LS = '1.2.840.10008.1.2.4.80';
  let archive: Awaited<ReturnType<typeof startEmbeddedArchive>>;
  let slice: Uint8Array;
  let instanceUrl: string;
  beforeAll(async () => {
    archive = await startEmbeddedArchive();
    slice = filesOf(folderOf('ct'))[0] ?? new Uint8Array();
    await new DicomWebClient({ url: archive.url }).storeVerified(undefined, [slice]);
    const { study, series, sop } = uidsOf(slice);
    instanceUrl = `${archive.url}/studies/${study}/series/${series}/instances/${sop}`;
  });
  afterAll(() => archive.stop());

  it.each([
    'multipart/related; type=application/octet-stream; transfer-syntax=*', // OHIF
    'multipart/related; type="image/jls"',
    `multipart/related; type="image/jls"; transfer-syntax=${JPEG_LS}`,
    'multipart/related; type="image/*"; transfer-syntax=*',
    '*/*',
  ])('come as they are stored, with their media type, to a viewer that accepts %s', async (Accept) => {
    for (const what of ['frames/1', 'bulkdata/7FE00010']) {
      const response = await fetch(`${instanceUrl}/${what}`, { headers: { Accept } });
      const boundary = multipartBoundary(response.headers.get('Content-Type'));
      const [part, ...more] = response.body ? await collect(splitMultipart(response.body, boundary)) : [];
      expect(more).toEqual([]);
      expect(part?.contentType).toBe(`image/jls; transfer-syntax=${JPEG_LS}`);
      expect(hashesOf([part?.bytes ?? new Uint8Array()])).toEqual(
        hashesOf(readInstance(slice, 'slice').frames),
      );
    }
  });

  it.each(['multipart/related; type="application/octet-stream"', 'multipart/related; type="image/jp2"'])(
    'are refused to a viewer that accepts only %s',
    async (Accept) => {
      expect((await fetch(`${instanceUrl}/frames/1`, { headers: { Accept } })).status).toBe(406);
    },
  );
});

describeWith(['Orthanc', 'storescu', 'shared'], 'a CT study that comes by C-STORE', () => {
  let orthanc: OrthancServer;
  beforeAll(async () => {
    orthanc = await startOrthanc();
  });
  afterAll(() => orthanc.stop());

  it('is in Orthanc as it was sent', async () => {
    const port = String(orthanc.dicomPort);
    // The slices are JPEG-LS, which storescu has to offer; what the scout has, it offers itself.
    const options = ['--propose-jls-lossless', '--scan-directories', '-aec', 'ORTHANC', '127.0.0.1', port];
    await run(programPath('storescu'), [...options, folderOf('ct')]);
    const client = new DicomWebClient({ url: orthanc.url });
    const sent = filesOf(folderOf('ct'));
    const { study, series } = uidsOf(sent[0] ?? new Uint8Array());
    const received = bySopUid(await collect(client.retrieveSeries(study, series)));
    expect(received.size).toBe(60);
    for (const [sop, bytes] of bySopUid(sent)) {
      const original = readInstance(bytes, 'sent');
      const copy = readInstance(received.get(sop) ?? new Uint8Array(), 'received');
      expect(copy.transferSyntaxUid).toBe(original.transferSyntaxUid);
      expect(hashesOf(copy.frames)).toEqual(hashesOf(original.frames));
    }
  });
});
