import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import type { DicomWebClient } from '../../src/dicom/web/client.ts';
import type { Mode } from '../../src/inference-mode.ts';
import { rebuildHistory } from '../../src/pipeline/rebuild/rebuild-history.ts';
import { remeasureStudy } from '../../src/pipeline/remeasure-study.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import { withdrawResult } from '../../src/pipeline/withdraw/withdraw-result.ts';
import { allVolumes, latestMode, volumesOfStudies } from '../../src/store/records/history.ts';
import { addOptOut } from '../../src/store/records/opt-out.ts';
import { latestReviews, recordReview } from '../../src/store/records/reviews.ts';
import { shownVolume } from '../../src/store/records/shown-volume.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';

const [OLD, NEW] = ['2.25.8601', '2.25.8602'];
const JANE = { PatientName: 'Doe^Jane', PatientBirthDate: '19600102', PatientSex: 'F' };
const forced = (study: string) => ({ seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' }) as const;

let archive: RunningArchive;
let runs: SmallRuns;
beforeAll(async () => {
  archive = await startEmbeddedArchive();
  runs = await startSmallRuns(archive.url);
  await runs.archive.storeVerified(OLD, smallCtSeries(OLD, { ...JANE, StudyDate: '20200101' }));
  await runs.archive.storeVerified(NEW, smallCtSeries(NEW, { ...JANE, StudyDate: '20260101' }));
});
afterAll(async () => {
  await runs?.stop();
  await archive?.stop();
});

const earlier = (study: string, mode = runs.parts.mode) =>
  runStudy(
    { studyInstanceUid: study, requestId: 'earlier' },
    { ...runs.parts, mode, historyAlone: true },
    undefined,
    forced(study),
  );
const volumesOf = (study: string) => volumesOfStudies(runs.database, [study]);
const volumesIn = async (mode: Mode) => (await volumesOf(OLD)).filter(({ model }) => model.mode === mode);
function only<T>([one, ...others]: readonly T[]): T {
  if (one === undefined || others.length > 0) throw new Error('there is not exactly one');
  return one;
}
const stored = async (study: string) => {
  const { segmentations, reports } = await storedResults(runs.archive, [study]);
  return [...segmentations.values(), ...reports.values()].flat().length;
};

it('an earlier study is measured for the history alone, and the same again', async () => {
  const { volumes } = await earlier(OLD, 'quick');
  expect(volumes).toMatchObject([{ historyAlone: true, studyInstanceUid: OLD, supersedes: null }]);
  expect(await stored(OLD)).toBe(0);
  const before = await volumesOf(OLD);
  expect(await earlier(OLD, 'quick')).toMatchObject({ volumes: [before[0]] });
  expect(await volumesOf(OLD)).toEqual(before);
  expect(shownVolume(only(before))).toMatchObject({ report: null, seg: null });
  // Its mode is none that the node goes on in.
  expect(await latestMode(runs.database)).toBeUndefined();
});

it('no report says anything of it, nor that anything is left out', async () => {
  await earlier(OLD);
  const { volumes } = await runs.process(NEW, forced(NEW));
  const { report } = only(volumes);
  const bytes = await runs.archive.retrieveInstance(NEW, report.seriesInstanceUid, report.sopInstanceUid);
  const words = JSON.stringify(readInstance(bytes, 'report').dataset);
  expect(words).not.toContain(OLD);
  expect(words).not.toMatch(/Since the|not compared with/);
});

it('readers reject it and nobody withdraws it, as the archive has nothing of it', async () => {
  const { sopInstanceUid: uid } = only(await volumesIn(runs.parts.mode)).report;
  const parts = { ...runs, softwareVersion: '1', now: () => new Date() };
  const request = { uid, reason: 'quality' } as const;
  await expect(withdrawResult(request, parts)).rejects.toMatchObject({ code: 'RESULT_UNKNOWN' });
  expect(await stored(OLD)).toBe(0);
});

it('a rebuilt history keeps it', async () => {
  const before = await volumesOf(OLD);
  const { patientKey, now, warn } = runs.parts;
  const { kept } = await rebuildHistory({ ...runs, patientKey, pageSize: 10, now, warn });
  expect(kept).toBe(before.length);
  expect(await volumesOf(OLD)).toEqual(before);
});

it('what restates the results of its study leaves it in the history', async () => {
  const before = await volumesOf(OLD);
  const restated = { studyInstanceUid: OLD, requestId: randomUUID(), restate: true };
  await runStudy(restated, runs.parts);
  expect(await volumesOf(OLD)).toEqual(before);
  expect(await stored(OLD)).toBe(0);
});

it('nor does another model in use bring it to the archive', async () => {
  const before = await volumesOf(OLD);
  const { models } = runs.parts;
  const model = await models.load('CT_ABDOMEN');
  const newer = { ...model, sha256: 'f'.repeat(64), info: { ...model.info, name: 'newer' } };
  const parts = { ...runs.parts, models: { ...models, load: async () => newer } };
  const restated = { studyInstanceUid: OLD, requestId: randomUUID(), restate: true };
  expect((await runStudy(restated, parts)).volumes).toMatchObject([{ historyAlone: true }]);
  expect(await stored(OLD)).toBe(0);
  await runs.database.query(`DELETE FROM pansegnet.volume WHERE model_name = 'newer'`);
  expect(await volumesOf(OLD)).toEqual(before);
});

it('what a reader said of it is not said of other images', async () => {
  const study = '2.25.8603';
  const images = { ...JANE, StudyDate: '20210101' };
  await runs.archive.storeVerified(study, smallCtSeries(study, images));
  await earlier(study);
  const before = only(await volumesOf(study));
  const review = { decision: 'rejected', reason: '', reviewer: 'reader', reviewedAt: new Date() } as const;
  await recordReview(runs.database, before.report.sopInstanceUid, review);
  // Replaced under their UIDs, as an archive may be told to.
  const others = Int16Array.from({ length: 256 }, (_, i) => (i < 128 ? 100 : -100)).buffer;
  const archiveNow = new Proxy(runs.archive, {
    get: (target, name: keyof DicomWebClient) => {
      if (name === 'retrieveSeries')
        return async function* () {
          yield* smallCtSeries(study, { ...images, PixelData: others });
        };
      const value: unknown = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const parts = { ...runs.parts, archive: archiveNow };
  const run = (how: Partial<typeof parts> & { historyAlone?: boolean }) =>
    runStudy(
      { studyInstanceUid: study, requestId: randomUUID() },
      { ...parts, ...how },
      undefined,
      forced(study),
    );
  const reviewOf = async () => {
    const { report } = only(await volumesOf(study));
    return (await latestReviews(runs.database, [report.sopInstanceUid])).get(report.sopInstanceUid);
  };
  await run({});
  expect(only(await volumesOf(study)).historyAlone).toBeUndefined();
  expect(await reviewOf()).toBeUndefined();

  await runs.database.query('DELETE FROM pansegnet.volume WHERE study_instance_uid = $1', [study]);
  await run({ historyAlone: true });
  expect(only(await volumesOf(study)).report).not.toEqual(before.report);
  expect(await reviewOf()).toBeUndefined();
});

it('a result in the archive takes its place, with its review, and not the other way', async () => {
  const before = only(await volumesIn(runs.parts.mode));
  const review = { decision: 'accepted', reason: '', reviewer: 'reader', reviewedAt: new Date() } as const;
  await recordReview(runs.database, before.report.sopInstanceUid, review);
  const { volumes } = await runs.process(OLD, forced(OLD));
  const { report } = only(volumes);
  expect(report.sopInstanceUid).not.toBe(before.report.sopInstanceUid);
  expect(volumes).toMatchObject([{ supersedes: null }]);
  const reviews = await latestReviews(runs.database, [report.sopInstanceUid]);
  expect(reviews.get(report.sopInstanceUid)).toMatchObject({ reviewer: 'reader' });
  const after = await volumesOf(OLD);
  expect(after.filter(({ historyAlone }) => historyAlone)).toHaveLength(after.length - 1);

  await earlier(OLD);
  expect(await volumesOf(OLD)).toEqual(after);
});

it('what is measured again stands beside it, once, and of nobody who opted out', async () => {
  const model = await runs.parts.models.load('CT_ABDOMEN');
  const again = { studyInstanceUid: NEW, model, mode: 'exact' } as const;
  const before = await stored(NEW);
  const { volumes } = await remeasureStudy(again, runs.parts);
  expect(volumes).toMatchObject([
    { historyAlone: true, model: { mode: 'exact' }, seriesInstanceUid: `${NEW}.1` },
  ]);
  expect(await volumesOf(NEW)).toHaveLength(2);
  expect(await stored(NEW)).toBe(before);
  expect(await remeasureStudy(again, runs.parts)).toEqual({ volumes: [], skipped: 'it is measured already' });

  await addOptOut(runs.database, { studyInstanceUid: NEW }, new Date());
  const other = await remeasureStudy({ ...again, mode: 'quick' }, runs.parts);
  expect(other).toEqual({ volumes: [], skipped: 'the study is on the opt-out list' });
  expect(
    (await allVolumes(runs.database)).filter(({ studyInstanceUid }) => studyInstanceUid === NEW),
  ).toHaveLength(2);
});
