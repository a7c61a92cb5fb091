import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import type { DicomWebClient } from '../../src/dicom/web/client.ts';
import { remeasureStudy } from '../../src/pipeline/remeasure-study.ts';
import type { RunParts } from '../../src/pipeline/run/run-parts.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import type { SegmentedClass } from '../../src/pipeline/selection/rules.ts';
import type { Model } from '../../src/segmentation/model/model-folder.ts';
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
function imagesRenamed(of = STUDY): DicomWebClient {
  return new Proxy(runs.archive, {
    get: (target, name: keyof DicomWebClient) => {
      if (name === 'seriesMetadata') {
        return async (study: string, series: string) => {
          const images = await target.seriesMetadata(study, series);
          return series === `${of}.1` ? images.map((image) => ({ ...image, ...NEW })) : images;
        };
      }
      if (name === 'retrieveSeries') {
        return async function* () {
          yield* smallCtSeries(of, NEW);
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

/** Another model in use, by which everything was measured again. */
async function promoted(former: Model | undefined): Promise<RunParts> {
  const old = await runs.parts.models.load('CT_ABDOMEN');
  const newer = { ...old, sha256: 'f'.repeat(64), info: { ...old.info, name: 'newer' } };
  const models = { ...runs.parts.models, load: async () => newer, former: async () => former };
  return { ...runs.parts, models };
}

const restated = async (study: string, parts: RunParts, requestId: string) => {
  const stages: string[] = [];
  const onProgress = ({ stage }: { stage: string }) => void stages.push(stage);
  const renamed = { ...parts, archive: imagesRenamed(study), onProgress };
  const { volumes } = await runStudy({ studyInstanceUid: study, requestId, restate: true }, renamed);
  const [volume] = volumes;
  if (!volume) throw new Error('nothing was restated');
  return { volume, stages };
};

async function patientOf(study: string, report: { seriesInstanceUid: string; sopInstanceUid: string }) {
  const { seriesInstanceUid, sopInstanceUid } = report;
  const bytes = await runs.archive.retrieveInstance(study, seriesInstanceUid, sopInstanceUid);
  return text(readInstance(bytes, 'report').dataset, 'PatientID');
}

const measured = async (study: string) => {
  await runs.archive.storeVerified(study, smallCtSeries(study));
  const forced = { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' } as const;
  const [first] = (await runs.process(study, forced)).volumes;
  if (!first) throw new Error('nothing was found');
  return first;
};

it('what was measured again, in the mode in use, does not stand in the way of the report in the archive', async () => {
  const study = '2.25.8402';
  const first = await measured(study);
  const model = await runs.parts.models.load('CT_ABDOMEN');
  await remeasureStudy({ studyInstanceUid: study, model, mode: 'exact' }, runs.parts);
  const { volume, stages } = await restated(study, { ...runs.parts, mode: 'exact' }, 'mode');
  expect(stages).not.toContain('segment');
  expect(volume).toMatchObject({ model: first.model, supersedes: first.report.sopInstanceUid });
  expect(await patientOf(study, volume.report)).toBe('P-9');
});

it('nor does what a promoted model measured again, while the former one is there', async () => {
  const study = '2.25.8403';
  const first = await measured(study);
  const parts = await promoted(await runs.parts.models.load('CT_ABDOMEN'));
  const model = await parts.models.load('CT_ABDOMEN');
  await remeasureStudy({ studyInstanceUid: study, model, mode: first.model.mode }, parts);
  const { volume, stages } = await restated(study, parts, 'former');
  expect(stages).not.toContain('segment');
  expect(volume).toMatchObject({ model: first.model, supersedes: first.report.sopInstanceUid });
  expect(await patientOf(study, volume.report)).toBe('P-9');
});

it('where the former model is gone, the archive gets a report by the one in use', async () => {
  const study = '2.25.8404';
  const first = await measured(study);
  const parts = await promoted(undefined);
  const model = await parts.models.load('CT_ABDOMEN');
  await remeasureStudy({ studyInstanceUid: study, model, mode: first.model.mode }, parts);
  const { volume } = await restated(study, parts, 'gone');
  expect(volume).toMatchObject({ model: { name: 'newer' } });
  expect(volume.historyAlone).toBeUndefined();
  expect(await patientOf(study, volume.report)).toBe('P-9');
});
