import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { collected, collectLabels } from '../../src/evaluation/sources/collect-labels.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import { allVolumes, recordWithdrawal } from '../../src/store/records/history.ts';
import { recordReview } from '../../src/store/records/reviews.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { evaluationRequest } from '../support/evaluation-cases.ts';
import { correctedSeg } from '../support/reader-seg.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';

const CORRECTED = '2.25.7801';
const ACCEPTED = '2.25.7802';
const REJECTED = '2.25.7803';
const UNSEEN = '2.25.7804';
const WITHDRAWN = '2.25.7805';
/** Accepted, and in the history alone: the archive has no SEG of it. */
const ALONE = '2.25.7806';
const STUDIES = [CORRECTED, ACCEPTED, REJECTED, UNSEEN, WITHDRAWN];

let archive: RunningArchive;
let runs: SmallRuns;
const root = mkdtempSync(path.join(tmpdir(), 'labels-'));
const at = (name: string) => path.join(root, name);
const folder = at('archive');
const { images, labels, groups } = collected(folder);
const collect = () =>
  collectLabels(folder, {
    database: runs.database,
    archive: runs.archive,
    signal: new AbortController().signal,
    onSeries: () => {},
  });

const volumeOf = async (study: string) => {
  const found = (await allVolumes(runs.database)).find((volume) => volume.studyInstanceUid === study);
  if (!found?.seg) throw new Error(`nothing was found in ${study}`);
  return { ...found, seg: found.seg };
};

async function review(study: string, decision: 'accepted' | 'rejected'): Promise<void> {
  const { report } = await volumeOf(study);
  const said = { decision, reason: '', reviewer: 'a reader', reviewedAt: new Date('2026-01-01T00:00:00Z') };
  await recordReview(runs.database, report.sopInstanceUid, said);
}

const process = (study: string) =>
  runs.process(study, { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' });

/** A reader's SEG without the last of the node's frames. */
async function correct(study: string): Promise<void> {
  const { seg } = await volumeOf(study);
  const bytes = await runs.archive.retrieveInstance(study, seg.seriesInstanceUid, seg.sopInstanceUid);
  const uids = { SOPInstanceUID: `${study}.90.1`, SeriesInstanceUID: `${study}.90` };
  await runs.archive.storeVerified(study, [correctedSeg(bytes, uids)]);
  await process(study);
}

beforeAll(async () => {
  archive = await startEmbeddedArchive();
  runs = await startSmallRuns(archive.url);
  for (const study of STUDIES) {
    await runs.archive.storeVerified(study, smallCtSeries(study));
    await process(study);
  }
  await runs.archive.storeVerified(ALONE, smallCtSeries(ALONE));
  const forced = { seriesInstanceUid: `${ALONE}.1`, class: 'CT_ABDOMEN' } as const;
  const parts = { ...runs.parts, historyAlone: true };
  await runStudy({ studyInstanceUid: ALONE, requestId: 'earlier' }, parts, undefined, forced);
  await review(ALONE, 'accepted');
  await correct(CORRECTED);
  await review(ACCEPTED, 'accepted');
  await review(REJECTED, 'rejected');
  await review(WITHDRAWN, 'accepted');
  const { report } = await volumeOf(WITHDRAWN);
  const withdrawal = { reason: '113037', note: '2.25.1', at: '2026-01-01T00:00:00.000Z' };
  await recordWithdrawal(runs.database, report.sopInstanceUid, withdrawal);
});
afterAll(async () => {
  await runs?.stop();
  await archive?.stop();
  rmSync(root, { recursive: true });
});

describe("a node's own results as labels", () => {
  it('are those that a reader accepted or corrected, and no others', async () => {
    expect(await collect()).toEqual({ corrected: 1, accepted: 1, withoutSeg: 0 });
    expect(readdirSync(images).toSorted()).toEqual([`${CORRECTED}.1`, `${ACCEPTED}.1`]);
    expect(readFileSync(groups, 'utf8')).toBe(
      `case,modality,label\r\n${CORRECTED}.1,CT,corrected\r\n${ACCEPTED}.1,CT,accepted\r\n`,
    );
    const label = readInstance(readFileSync(path.join(labels, `${CORRECTED}.1.dcm`)), 'label');
    expect(label.dataset['SOPInstanceUID']).toBe(`${CORRECTED}.90.1`);
  });

  it('are compared with what a model finds in their images, read as DICOM', async () => {
    const models = await writeSmallModels(at('models'));
    const model = await loadModel(models['CT'] ?? '', [models['folder'] ?? '']);
    const folders = { images, labels, predictions: undefined, against: undefined, raters: [] };
    const request = { ...evaluationRequest(at), folders, groups, models: [model], labelsFromArchive: true };
    const { rows } = await evaluate({ ...request, inference: { threads: 1 } });
    const dice = rows.map(({ outcome }) => outcome.measures?.agreement?.dice ?? outcome.failure);
    expect(dice[1]).toBe(1);
    expect(dice[0]).toBeGreaterThan(0.5);
    expect(dice[0]).toBeLessThan(1);
    const { correction, volumeMl } = await volumeOf(CORRECTED);
    const corrected = rows[0]?.outcome;
    expect(corrected?.measures?.agreement?.labelMl).toBeCloseTo(correction?.volumeMl ?? 0, 9);
    expect(corrected?.measures?.agreement?.predictedMl).toBeCloseTo(volumeMl, 9);
    expect(corrected?.prediction?.volumeIntervalMl).not.toBeNull();
    const page = readFileSync(at('output/evaluation.html'), 'utf8');
    expect(page).toContain('data:image/png;base64,');
    expect(page).toContain('accepted results');
    expect(page).not.toContain('2.25.78');
  });

  it('are compared with SEGs that stand for predictions', async () => {
    mkdirSync(at('segs'));
    for (const study of [CORRECTED, ACCEPTED]) {
      const name = `${study}.1.dcm`;
      copyFileSync(path.join(labels, name), path.join(at('segs'), name));
    }
    const folders = { images, labels, predictions: at('segs'), against: undefined, raters: [] };
    const { rows } = await evaluate({ ...evaluationRequest(at), folders, output: at('output-segs') });
    expect(rows.map(({ outcome }) => outcome.measures?.agreement?.dice ?? outcome.failure)).toEqual([1, 1]);
  });

  it('go on where the images of another are damaged, and that one is told', async () => {
    writeFileSync(
      path.join(images, `${ACCEPTED}.1`, '1.dcm'),
      Buffer.concat([Buffer.alloc(128), Buffer.from('DICM?')]),
    );
    const folders = { images, labels, predictions: at('segs'), against: undefined, raters: [] };
    const lines: string[] = [];
    const request = evaluationRequest(at, (line) => lines.push(line));
    const { rows } = await evaluate({ ...request, folders, output: at('output-damaged') });
    expect(rows.map(({ outcome }) => outcome.failure?.code)).toEqual([undefined, 'CASE_INCOMPLETE']);
    expect(lines.filter((line) => line.startsWith('warning: '))).toHaveLength(1);
  });

  it('are no labels any more when a reader rejects them', async () => {
    await review(ACCEPTED, 'rejected');
    expect(await collect()).toEqual({ corrected: 1, accepted: 0, withoutSeg: 0 });
    expect(readdirSync(labels)).toEqual([`${CORRECTED}.1.dcm`]);
  });
});
