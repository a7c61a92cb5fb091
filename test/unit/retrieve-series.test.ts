import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInstance } from '../../src/dicom/dataset.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { retrieveSeries } from '../../src/pipeline/run/retrieve-series.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
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

  it('refuses more or fewer images than the archive said it has', async () => {
    for (const images of [FILES.length - 1, FILES.length + 1]) {
      await expect(retrieveSeries(client, STUDY, { ...SERIES, images })).rejects.toMatchObject({
        code: 'DICOM_WEB_ANSWER',
        message: `series ${SERIES.seriesInstanceUid}: the archive sent 12 of ${images} images`,
      });
    }
  });

  it('says which image of a part is not there', async () => {
    const part = partOf([1, 2, 99]);
    await expect(retrieveSeries(client, STUDY, { ...SERIES, part })).rejects.toMatchObject({
      code: 'DICOM_WEB_STATUS',
      message: expect.stringContaining('.99'),
    });
  });
});
