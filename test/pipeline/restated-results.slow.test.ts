import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import type { DicomWebClient } from '../../src/dicom/web/client.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import type { SegmentedClass } from '../../src/pipeline/selection/rules.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { latestReviews, recordReview } from '../../src/store/records/reviews.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';

const STUDY = '2.25.8401';
const SERIES = `${STUDY}.1`;
const FORCED = { seriesInstanceUid: SERIES, class: 'CT_ABDOMEN' } as const;
const NEW = { PatientID: 'P-9', PatientName: 'Roe^Jane' };

let archive: RunningArchive;
let runs: SmallRuns;
beforeAll(async () => {
  archive = await startEmbeddedArchive();
  runs = await startSmallRuns(archive.url);
  await runs.archive.storeVerified(STUDY, smallCtSeries(STUDY));
});
afterAll(async () => {
  await runs?.stop();
  await archive?.stop();
});

/** An archive that names the new patient in the images, and leaves the results as they were. */
function imagesRenamed(): DicomWebClient {
  return new Proxy(runs.archive, {
    get: (target, name: keyof DicomWebClient) => {
      if (name === 'seriesMetadata') {
        return async (study: string, series: string) => {
          const images = await target.seriesMetadata(study, series);
          return series === SERIES ? images.map((image) => ({ ...image, ...NEW })) : images;
        };
      }
      if (name === 'retrieveSeries') {
        return async function* () {
          yield* smallCtSeries(STUDY, NEW);
        };
      }
      const value: unknown = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

it('a SEG that the archive left with the former patient is written anew, and the report refers to it', async () => {
  const { volumes } = await runs.process(STUDY, FORCED);
  const [first] = volumes;
  if (!first?.seg) throw new Error('nothing was found');
  const review = { decision: 'accepted', reason: '', reviewer: 'reader', reviewedAt: new Date() } as const;
  await recordReview(runs.database, first.report.sopInstanceUid, review);

  const stages: string[] = [];
  const renamed = {
    ...runs.parts,
    archive: imagesRenamed(),
    onProgress: ({ stage }: { stage: string }) => void stages.push(stage),
  };
  const restate = (requestId: string) =>
    runStudy({ studyInstanceUid: STUDY, requestId, restate: true }, renamed, undefined);
  const [again] = (await restate('one')).volumes;
  if (!again?.seg) throw new Error('nothing was found');
  expect(stages).not.toContain('segment');
  expect(again.seg).not.toEqual(first.seg);
  expect(again).toMatchObject({
    supersedes: first.report.sopInstanceUid,
    volumeMl: first.volumeMl,
    intervalMl: first.intervalMl,
    flags: first.flags,
  });
  for (const { seriesInstanceUid, sopInstanceUid } of [again.seg, again.report]) {
    const bytes = await runs.archive.retrieveInstance(STUDY, seriesInstanceUid, sopInstanceUid);
    expect(text(readInstance(bytes, 'result').dataset, 'PatientID')).toBe('P-9');
    expect(readReport(bytes)?.segmentation ?? again.seg).toEqual(again.seg);
  }
  const reviews = await latestReviews(runs.database, [again.report.sopInstanceUid]);
  expect(reviews.get(again.report.sopInstanceUid)?.reviewer).toBe('reader');

  // Neither another such run nor an ordinary one has anything to add.
  expect((await restate('two')).volumes).toEqual([again]);
  const ordinary = { studyInstanceUid: STUDY, requestId: 'three' };
  expect((await runStudy(ordinary, renamed, undefined, FORCED)).volumes).toEqual([again]);
});

it('of a calibrated model the interval is made anew with its basis, by segmenting again', async () => {
  await runs.process(STUDY, FORCED);
  const { models } = runs.parts;
  const calibration = { source: 'drawn cases', caseCount: 19, low: -0.5, high: 0.5, doubtLimit: 9 };
  const stages: string[] = [];
  const calibrated = {
    ...runs.parts,
    models: {
      ...models,
      load: async (one: SegmentedClass) => ({
        ...(await models.load(one)),
        calibrations: { fast: calibration },
      }),
    },
    onProgress: ({ stage }: { stage: string }) => void stages.push(stage),
  };
  const job = { studyInstanceUid: STUDY, requestId: 'calibrated', restate: true };
  const [volume] = (await runStudy(job, calibrated, undefined)).volumes;
  expect(stages).toContain('segment');
  const { seriesInstanceUid, sopInstanceUid } = volume?.report ?? {
    seriesInstanceUid: '',
    sopInstanceUid: '',
  };
  const bytes = await runs.archive.retrieveInstance(STUDY, seriesInstanceUid, sopInstanceUid);
  expect(JSON.stringify(readInstance(bytes, 'report').dataset)).toContain('the 19 that it was calibrated on');
});
