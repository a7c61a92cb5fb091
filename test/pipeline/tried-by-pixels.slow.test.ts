import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { configuredModels } from '../../src/pipeline/run/models.ts';
import type { RunParts } from '../../src/pipeline/run/run-parts.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import { readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { decisionsOfStudies } from '../../src/store/records/run-log.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { smallInstance } from '../support/small-instance.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { storedResults } from '../support/stored-results.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

/** Voxels of 5 mm: a ball of four voxels' radius is an organ of some 30 ml. */
const VOXEL = 5;
const EDGE = 16;
const SLICES = 16;
const PATCH: readonly [number, number, number] = [16, 16, 16];

const RULES = readSelectionRules(null, [
  { when: { words: { matches: '^sure' } }, class: 'CT_ABDOMEN', reason: 'said to be an abdomen' },
  {
    when: { words: { matches: '^maybe' } },
    class: 'CT_ABDOMEN',
    certainty: 'possible',
    reason: 'may be one',
  },
]);

let archive: RunningArchive;
let runs: SmallRuns;
let parts: RunParts;
let folder: string;
beforeAll(async () => {
  archive = await startEmbeddedArchive();
  runs = await startSmallRuns(archive.url);
  folder = await mkdtemp(path.join(tmpdir(), 'tried-'));
  const info = { ...SIGN_MODEL, name: 'coarse', patchSize: [...PATCH], spacing: [VOXEL, VOXEL, VOXEL] };
  await writeModel(folder, info as typeof SIGN_MODEL, { 'fold_0.onnx': signNetwork(PATCH) });
  const models = configuredModels({ CT: 'coarse', T1W: null, T2W: null }, folder);
  parts = { ...runs.parts, rules: RULES, models, mode: 'fast' };
});
afterAll(async () => {
  await runs?.stop();
  await archive?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What a series shows: an organ, none, or one that the lowest slice cuts. */
type Shown = 'organ' | 'nothing' | 'cut' | 'speck';

function instances(study: string, number: number, description: string, shown: Shown): Uint8Array[] {
  const radius = shown === 'speck' ? 1.5 : 4;
  const middle = shown === 'cut' ? 0 : SLICES / 2;
  const bottom = -1000 + 40 * number;
  return Array.from({ length: SLICES }, (_, slice) => {
    const pixels = Int16Array.from({ length: EDGE * EDGE }, (__, index) => {
      const [x, y] = [index % EDGE, Math.floor(index / EDGE)];
      const distance = Math.hypot(x - EDGE / 2, y - EDGE / 2, slice - middle);
      return shown !== 'nothing' && distance < radius ? 120 : x % 2 === 0 ? -20 : -30;
    });
    return smallInstance(
      { study, series: `${study}.${number}`, sop: `${study}.${number}.${slice + 1}` },
      {
        SeriesDescription: description,
        ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
        FrameOfReferenceUID: `${study}.9`,
        InstanceNumber: String(slice + 1),
        ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
        ImagePositionPatient: ['0', '0', String(bottom + VOXEL * slice)],
        PixelSpacing: [String(VOXEL), String(VOXEL)],
        SliceThickness: String(VOXEL),
        RescaleSlope: '1',
        RescaleIntercept: '0',
        Rows: EDGE,
        Columns: EDGE,
        PixelData: pixels.buffer,
      },
    );
  });
}

async function stored(study: string, ...series: [string, Shown][]): Promise<string> {
  for (const [i, [description, shown]] of series.entries())
    await runs.archive.storeVerified(study, instances(study, i + 1, description, shown));
  return study;
}

/** Forward passes by the series that they were of, and what came of the study. */
async function processed(study: string, more: Partial<RunParts> = {}, signal?: AbortSignal) {
  const passes = new Map<string, number[]>();
  const onProgress: RunParts['onProgress'] = ({ stage, subject, done }) => {
    if (stage !== 'segment') return;
    const all = passes.get(subject) ?? [];
    if (done === undefined) passes.set(subject, [...all, 0]);
    else passes.set(subject, [...all.slice(0, -1), done]);
  };
  const job = { studyInstanceUid: study, requestId: 'one' };
  const outcome = await runStudy(job, { ...parts, onProgress, ...more }, signal);
  return { ...outcome, passes };
}

async function textsOfReport(study: string): Promise<string> {
  const [report = ''] = (await storedResults(runs.archive, [study])).reports.get(study) ?? [];
  for (const series of await runs.archive.searchSeries(study)) {
    const uid = String(series['SeriesInstanceUID']);
    const found = await runs.archive.retrieveInstance(study, uid, report).catch(() => undefined);
    if (found) return JSON.stringify(readInstance(found, 'report').dataset);
  }
  return '';
}

it('a study that its headers decide costs no pass beyond those of its series', async () => {
  const study = await stored('2.25.7601', ['sure 1', 'organ'], ['sure 2', 'organ'], ['maybe', 'organ']);
  const { passes, volumes, decisions } = await processed(study);
  expect([...passes.keys()]).toEqual(['sure 1']);
  expect(passes.get('sure 1')).toHaveLength(1);
  expect(volumes).toHaveLength(1);
  expect(decisions.some(({ tried }) => tried)).toBe(false);
  expect(await textsOfReport(study)).not.toContain('looked at');
});

it.each<[string, Shown]>([
  ['2.25.7602', 'nothing'],
  ['2.25.7603', 'cut'],
  // Of another part of the body, in which the network takes a speck for the organ.
  ['2.25.7616', 'speck'],
])(
  'where the best series holds no whole pancreas, the next is taken and the report says so (%s)',
  async (uid, shown) => {
    const study = await stored(uid, ['sure 1', shown], ['sure 2', 'organ']);
    const { volumes, passes } = await processed(study);
    expect(volumes).toHaveLength(1);
    expect(volumes[0]).toMatchObject({ seriesInstanceUid: `${study}.2` });
    expect([...passes].map(([name, all]) => [name, all.length])).toEqual([
      ['sure 1', 1],
      ['sure 2', 2],
    ]);
    expect(await textsOfReport(study)).toContain('Also looked at: series \\"sure 1\\"');
    const [one, two] = (await decisionsOfStudies(runs.database, [study])).get(study) ?? [];
    expect(one).toMatchObject({ chosen: false, reason: expect.stringContaining('tried: ') });
    expect(two).toMatchObject({ chosen: true, reason: expect.stringContaining('one plausible pancreas') });
  },
);

it('where no other series is better, the best stands, and the report names what was tried', async () => {
  const study = await stored('2.25.7604', ['sure 1', 'nothing'], ['sure 2', 'nothing'], ['maybe', 'speck']);
  const { volumes } = await processed(study);
  expect(volumes).toMatchObject([{ seriesInstanceUid: `${study}.1`, volumeMl: 0 }]);
  const texts = await textsOfReport(study);
  expect(texts).toContain('series \\"sure 2\\": no pancreas was found');
  expect(texts).toContain('series \\"maybe\\"');
});

it('a study of possible series: at most two quick passes, and the one that shows an organ is measured', async () => {
  const study = await stored('2.25.7605', ['maybe 1', 'speck'], ['maybe 2', 'organ'], ['maybe 3', 'organ']);
  const { volumes, passes } = await processed(study);
  expect(volumes).toMatchObject([{ seriesInstanceUid: `${study}.2` }]);
  expect([...passes].map(([name, all]) => [name, all.length])).toEqual([
    ['maybe 1', 1],
    ['maybe 2', 2],
  ]);
  expect(await textsOfReport(study)).toContain('one plausible pancreas was found in it');
});

it('a study of possible series without an organ has no result, and says what was tried', async () => {
  const study = await stored('2.25.7606', ['maybe 1', 'speck'], ['maybe 2', 'nothing'], ['maybe 3', 'organ']);
  const { volumes, decisions, passes } = await processed(study);
  expect(volumes).toEqual([]);
  expect(passes.size).toBe(2);
  expect(decisions.map(({ reason }) => reason.includes('tried: '))).toEqual([true, true, false]);
  expect((await storedResults(runs.archive, [study])).reports.size).toBe(0);
});

it('stopped at any stage and begun again, a study has its results exactly once', async () => {
  const series: [string, Shown][] = [
    ['sure 1', 'nothing'],
    ['sure 2', 'cut'],
    ['maybe', 'organ'],
  ];
  const whole = await stored('2.25.7700', ...series);
  const stages: string[] = [];
  await processed(whole, {
    onProgress: ({ stage, done }) => void (done === undefined && stages.push(stage)),
  });
  const stops = stages.flatMap((stage, i) =>
    ['retrieve', 'segment', 'store'].includes(stage) ? [i + 1] : [],
  );
  // Three series, and the winner once more.
  expect(stops).toHaveLength(4 + 4 + 1);
  for (const stop of stops) {
    const study = await stored(`2.25.77${String(stop).padStart(2, '0')}`, ...series);
    const kill = new AbortController();
    let seen = 0;
    const onProgress: RunParts['onProgress'] = ({ done }) => {
      if (done === undefined && ++seen === stop) kill.abort(new Error('killed'));
    };
    const first = await processed(study, { onProgress }, kill.signal).catch(() => undefined);
    if (!first) await processed(study);
    const { segmentations, reports } = await storedResults(runs.archive, [study]);
    expect([segmentations.get(study)?.length, reports.get(study)?.length], `stopped at ${stop}`).toEqual([
      1, 1,
    ]);
    expect(await textsOfReport(study)).toContain('Also looked at: series \\"sure 2\\"');
  }
});

it('results that are restated stay those of the series that won', async () => {
  const study = await stored('2.25.7608', ['sure 1', 'nothing'], ['sure 2', 'organ']);
  const { volumes } = await processed(study);
  const stages: string[] = [];
  const onProgress: RunParts['onProgress'] = ({ stage }) => void stages.push(stage);
  const job = { studyInstanceUid: study, requestId: 'again', restate: true };
  const again = await runStudy(job, { ...parts, onProgress });
  expect(stages).not.toContain('segment');
  expect(again.volumes).toEqual(volumes);
});
