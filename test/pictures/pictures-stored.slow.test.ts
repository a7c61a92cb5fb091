import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { withdrawResult } from '../../src/pipeline/withdraw/withdraw-result.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { describeArchives } from '../support/archives.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';

const STUDY = '2.25.7301';

describeArchives('key images and PDF, where a site wants them', (running) => {
  let runs: SmallRuns;
  const process = () => runs.process(STUDY, { seriesInstanceUid: `${STUDY}.1`, class: 'CT_ABDOMEN' });
  const seriesOf = async (modality: string): Promise<DicomDataset[]> =>
    (await runs.archive.searchSeries(STUDY)).filter((one) => one['Modality'] === modality);

  beforeAll(async () => {
    runs = await startSmallRuns(running.url, { keyImages: true, pdf: true });
    await runs.archive.storeVerified(STUDY, smallCtSeries(STUDY));
    await process();
  });
  afterAll(() => runs?.stop());

  it('are stored in the study: a series of four images, and a document', async () => {
    expect(await seriesOf('OT')).toMatchObject([
      { SeriesDescription: 'Pancreas key images (Test)', NumberOfSeriesRelatedInstances: '4' },
    ]);
    expect(await seriesOf('DOC')).toMatchObject([{ NumberOfSeriesRelatedInstances: '1' }]);
  });

  it('are the same ones when the study is processed again', async () => {
    const before = await runs.archive.searchSeries(STUDY);
    await process();
    expect(await runs.archive.searchSeries(STUDY)).toEqual(before);
  });

  it('are withdrawn together with the result', async () => {
    const [volume] = await allVolumes(runs.database);
    if (!volume) throw new Error('nothing was recorded');
    const request = { uid: volume.report.sopInstanceUid, reason: 'quality' } as const;
    const parts = { ...runs, softwareVersion: '0.0.0', now: () => new Date() };
    const { instances } = await withdrawResult(request, parts);
    expect(instances).toBe(1 + 1 + 4 + 1); // report, SEG, key images, PDF
  });
});
