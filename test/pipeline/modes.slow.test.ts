import { afterAll, beforeAll, expect, it } from 'vitest';
import { runStudy } from '../../src/pipeline/run-study.ts';
import { readReport } from '../../src/sr/read-report.ts';
import type { MeasuredVolume } from '../../src/store/records/volume-record.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';

const STUDIES = ['2.25.8501', '2.25.8502'] as const;

const PATIENT = { PatientID: 'P-1', PatientName: 'Doe^Jane', PatientBirthDate: '19700101', PatientSex: 'F' };

let archive: RunningArchive;
let runs: SmallRuns;
beforeAll(async () => {
  archive = await startEmbeddedArchive();
  runs = await startSmallRuns(archive.url);
  for (const [i, study] of STUDIES.entries())
    await runs.archive.storeVerified(
      study,
      smallCtSeries(study, { ...PATIENT, StudyDate: `2024010${i + 1}` }),
    );
});
afterAll(async () => {
  await runs?.stop();
  await archive?.stop();
});

async function process(study: string, mode?: string): Promise<MeasuredVolume> {
  const forced = { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' } as const;
  const requestId = crypto.randomUUID();
  const parts = await runs.compose(mode);
  const [volume] = (await runStudy({ studyInstanceUid: study, requestId }, parts, undefined, forced)).volumes;
  if (!volume?.seg) throw new Error('nothing was found');
  return volume;
}

it('a new site starts with fast; one with a history goes on in its mode until somebody says another', async () => {
  expect((await runs.compose()).mode).toBe('fast');
  const [first, second] = STUDIES;
  await process(first, 'exact');
  expect((await runs.compose()).mode).toBe('exact');

  const fast = await process(second, 'fast');
  expect(fast.model.mode).toBe('fast');
  expect((await runs.compose()).mode).toBe('fast');

  // The same images in another mode are another result, and no volume is compared across modes.
  const alsoExact = await process(second, 'exact');
  expect(alsoExact.seg).not.toEqual(fast.seg);
  const reportOf = async ({ studyInstanceUid, report }: MeasuredVolume) => {
    const { seriesInstanceUid, sopInstanceUid } = report;
    const bytes = await runs.archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid);
    return readReport(bytes);
  };
  expect(await reportOf(fast)).toMatchObject({ algorithm: { mode: 'fast' }, priorStudies: [] });
  expect(await reportOf(alsoExact)).toMatchObject({ algorithm: { mode: 'exact' }, priorStudies: [first] });
});
