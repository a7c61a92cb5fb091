import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { mostBytesOf } from '../../src/dicom/reading/instance-size.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { retrieveSeries } from '../../src/pipeline/run/retrieve-series.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { enhancedFile } from '../support/enhanced-image.ts';
import { smallCtSeries } from '../support/small-series.ts';

const STUDY = { studyInstanceUid: '2.25.4711' };
const SERIES = { seriesInstanceUid: '2.25.4711.1' };
const FILES = smallCtSeries(STUDY.studyInstanceUid);

describe('retrieving a series into a volume', () => {
  let archive: Awaited<ReturnType<typeof startEmbeddedArchive>>;
  let client: DicomWebClient;
  beforeAll(async () => {
    archive = await startEmbeddedArchive();
    client = new DicomWebClient({ url: archive.url });
    await client.storeVerified(STUDY.studyInstanceUid, FILES);
  });
  afterAll(() => archive.stop());

  const partOf = (numbers: readonly number[]) => ({
    name: 'some slices',
    images: new Set(numbers.map((n) => `${SERIES.seriesInstanceUid}.${n}#0`)),
  });
  const whole = (files: readonly Uint8Array[]) =>
    buildVolume(files.map((bytes) => readInstance(bytes, 'slice')));

  it.each([undefined, FILES.length])('gives all of its images, of which %s are known', async (images) => {
    const wanted = images === undefined ? SERIES : { ...SERIES, images };
    const builder = await retrieveSeries(client, STUDY, wanted);
    expect(builder.finish()).toEqual(await whole(FILES));
  });

  it('gives the images of a part, and no other', async () => {
    const part = partOf([3, 4, 5, 6, 7, 8]);
    const builder = await retrieveSeries(client, STUDY, { ...SERIES, part });
    expect(builder.finish()).toEqual(await whole(FILES.slice(2, 8)));
  });

  it('gives the frames of a part of an enhanced image, and no other', async () => {
    const [study, series, sop] = ['2.25.4712', '2.25.4712.1', '2.25.4712.1.1'];
    const uids = { StudyInstanceUID: study, SeriesInstanceUID: series, SOPInstanceUID: sop };
    // Two phases, frame by frame: 1 to 3 at one time, 4 to 6 at another.
    const frames = [0, 2, 4, 0, 2, 4].map((z, index) => ({
      position: ['0', '0', String(z)],
      values: Array<number>(12).fill(index + 1),
    }));
    await client.storeVerified(study, [enhancedFile(frames, uids)]);
    const part = { name: 'phase 2', images: new Set([3, 4, 5].map((n) => `${sop}#${n}`)) };
    const wanted = { seriesInstanceUid: series, part };
    const { volume, slices } = (await retrieveSeries(client, { studyInstanceUid: study }, wanted)).finish();
    expect(volume.size).toEqual([4, 3, 3]);
    expect([0, 12, 24].map((first) => volume.voxels[first])).toEqual([4, 5, 6]);
    expect(slices.map(({ frameNumber }) => frameNumber)).toEqual([4, 5, 6]);
    const tooMany = { name: 'phase 3', images: new Set([...part.images, `${sop}#6`]) };
    await expect(
      retrieveSeries(client, { studyInstanceUid: study }, { seriesInstanceUid: series, part: tooMany }),
    ).rejects.toMatchObject({ code: 'DICOM_WEB_ANSWER', message: expect.stringMatching(/3 of 4 images/) });
  });

  it('refuses more or fewer images than the archive said it has', async () => {
    for (const images of [FILES.length - 1, FILES.length + 1]) {
      await expect(retrieveSeries(client, STUDY, { ...SERIES, images })).rejects.toMatchObject({
        code: 'DICOM_WEB_ANSWER',
        message: `series ${SERIES.seriesInstanceUid}: the archive sent 12 of ${images} images`,
      });
    }
  });

  it('takes no more into memory than the metadata tell of', async () => {
    const study = '2.25.4713';
    const wanted = { seriesInstanceUid: `${study}.1`, images: FILES.length };
    const padding = new Uint8Array(100_000).buffer;
    const files = smallCtSeries(study, { OverlayData: padding });
    await client.storeVerified(study, files);
    const retrieved = async (mostBytes: number) =>
      (await retrieveSeries(client, { studyInstanceUid: study }, { ...wanted, mostBytes })).finish();
    const mostBytes = Math.max(...files.map((bytes) => mostBytesOf(readInstance(bytes, '').dataset) ?? 0));
    expect(await retrieved(mostBytes)).toEqual(await whole(files));
    await expect(retrieved(100_000)).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: expect.stringMatching(/an instance has more than 100000 bytes: its header tells of less$/),
    });
    await expect(retrieved(mostBytes - 1)).rejects.toMatchObject({
      code: 'DICOM_WEB_ANSWER',
      message: expect.stringMatching(/it has 16 x 16 pixels in 1 frame\(s\), and its metadata tell of less$/),
    });
  });

  it('says which image of a part is not there', async () => {
    const part = partOf([1, 2, 99]);
    await expect(retrieveSeries(client, STUDY, { ...SERIES, part })).rejects.toMatchObject({
      code: 'DICOM_WEB_STATUS',
      message: expect.stringContaining('.99'),
    });
  });
});

describe('an archive that sends an instance twice', () => {
  const sending = (files: readonly Uint8Array[]) => ({
    async *retrieveSeries() {
      yield* files;
    },
    retrieveInstance: () => Promise.reject(new Error('not asked for')),
    storedInstances: () => Promise.reject(new Error('not asked for')),
    searchInstances: async () => FILES.map(() => ({})),
  });

  it('sent one, where both are the same', async () => {
    const builder = await retrieveSeries(sending([...FILES, ...FILES.slice(0, 3)]), STUDY, SERIES);
    expect(builder.planeCount).toBe(FILES.length);
  });

  it('is refused where they are not', async () => {
    const [other = new Uint8Array()] = smallCtSeries(STUDY.studyInstanceUid, { WindowCenter: '7' });
    await expect(retrieveSeries(sending([...FILES, other]), STUDY, SERIES)).rejects.toMatchObject({
      code: 'DICOM_WEB_ANSWER',
      message: expect.stringMatching(/2\.25\.4711\.1\.1: .* two with this UID that are not the same/),
    });
  });
});
