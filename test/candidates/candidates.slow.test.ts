import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '../../src/dicom/reading/dataset.ts';
import { candidatesAnswer } from '../../src/http/api/model-answers.ts';
import { comparedCandidates } from '../../src/store/records/candidates.ts';
import { erasePatient } from '../../src/store/records/erase-patient.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { addOptOut } from '../../src/store/records/opt-out.ts';
import { expectedOf, spotSeries, writeCandidates } from '../support/candidate-studies.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { PATIENCE } from '../support/patience.ts';
import { correctedSeg } from '../support/reader-seg.ts';

/** How steep the spot of each study is. */
const FALLS: Readonly<Record<string, number>> = { '2.25.9101': 1.2, '2.25.9102': 4, '2.25.9103': 2.1 };
const STUDIES = Object.keys(FALLS);
const [FIRST = '', SECOND = '', THIRD = ''] = STUDIES;

let folder: string;
let pages: PagesNode;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'candidates-'));
  const models = await writeCandidates(path.join(folder, 'models'));
  pages = await startPagesNode({ models: { ...models, candidates: { CT: 'new' } } });
  for (const study of STUDIES) {
    await pages.store(spotSeries(study, FALLS[study] ?? 0, { PatientID: `P-${study}` }));
    await pages.process(study);
  }
});
afterAll(async () => {
  await pages?.stop();
  await rm(folder, { recursive: true, force: true });
});

const database = () => pages.node.database;

async function report() {
  const response = await fetch(`${pages.node.url}/api/candidates`);
  return candidatesAnswer.parse(await response.json());
}

/** Until nothing waits for a candidate. */
async function compared() {
  await expect.poll(async () => (await report()).open, PATIENCE).toEqual([]);
  const [group, ...others] = (await report()).groups;
  expect(others).toEqual([]);
  if (!group) throw new Error('nothing was compared');
  return group;
}

async function seriesOf(study: string): Promise<string[]> {
  const series = await pages.node.archive.searchSeries(study);
  return series.map((one) => text(one, 'Modality') ?? '').toSorted();
}

describe('a candidate beside the model in use', () => {
  it('finds in the same images what it finds, and is compared with the mask in the archive', async () => {
    const { cases, studies, candidate, inUse } = await compared();
    expect(studies).toBe(3);
    expect([candidate, inUse]).toMatchObject([
      { name: 'new', mode: 'fast' },
      { name: 'old', mode: 'fast' },
    ]);
    const diceOf = (study: string) => expectedOf(FALLS[study] ?? 0).dice;
    const worstFirst = STUDIES.toSorted((a, b) => diceOf(a) - diceOf(b));
    expect(cases.map(({ studyInstanceUid }) => studyInstanceUid)).toEqual(worstFirst);
    for (const one of cases) {
      const { inUseMl, candidateMl, dice } = expectedOf(FALLS[one.studyInstanceUid] ?? 0);
      expect(one.inUseMl).toBeCloseTo(inUseMl, 9);
      expect(one.candidateMl).toBeCloseTo(candidateMl, 9);
      expect(one.dice).toBeCloseTo(dice, 9);
    }
  });

  it('leaves nothing in the archive, in the history and in what is exported of it', async () => {
    await compared();
    for (const study of STUDIES) expect(await seriesOf(study)).toEqual(['CT', 'SEG', 'SR']);
    const volumes = await allVolumes(database());
    expect(volumes.map(({ model }) => model.name)).toEqual(['old', 'old', 'old']);
    const csv = await fetch(`${pages.node.url}/api/patients/${volumes[0]?.patientKey}/volumes.csv`);
    expect(await csv.text()).not.toContain('new');
  });

  it('is said of the same on the page, by the API and in the database', async () => {
    const group = await compared();
    const rows = await comparedCandidates(database());
    const told = (study: string, dice: number) => `${study} ${dice}`;
    expect(
      rows.map(({ studyInstanceUid, result }) => told(studyInstanceUid, result.dice)).toSorted(),
    ).toEqual(group.cases.map(({ studyInstanceUid, dice }) => told(studyInstanceUid, dice)).toSorted());
    const page = await (await fetch(`${pages.node.url}/candidates`)).text();
    expect(page).toContain('CT: new 1.0.0 beside old 1.0.0');
    for (const { dice, studyInstanceUid, inUseMl, candidateMl } of group.cases) {
      expect(page).toContain(`/studies/${studyInstanceUid}?result=`);
      for (const shown of [dice.toFixed(3), inUseMl.toFixed(1), candidateMl.toFixed(1)])
        expect(page).toContain(`class="number">${shown}</td>`);
    }
    expect(page).toContain(`mean ${group.dice.mean?.toFixed(3)}`);
    expect(page).toContain(`${Math.abs(group.volumes?.bias ?? 0).toFixed(1)} ml smaller on average`);
    expect(page).toContain('<svg');
  });

  it("counts readers' verdicts, and is held against a reader's correction when one comes", async () => {
    const before = await compared();
    const { report: first } = before.cases.find((one) => one.studyInstanceUid === FIRST) ?? {};
    await fetch(`${pages.node.url}/api/results/${first}/review`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ decision: 'rejected' }),
    });
    const [volume] = (await allVolumes(database())).filter((one) => one.studyInstanceUid === SECOND);
    if (!volume?.seg) throw new Error('the study has a SEG');
    const { seriesInstanceUid, sopInstanceUid } = volume.seg;
    const seg = await pages.node.archive.retrieveInstance(SECOND, seriesInstanceUid, sopInstanceUid);
    // Without its last frame.
    await pages.store([
      correctedSeg(seg, { SOPInstanceUID: `${SECOND}.77.1`, SeriesInstanceUID: `${SECOND}.77` }),
    ]);
    await pages.process(SECOND);
    const { verdicts, corrections, cases } = await compared();
    expect(verdicts.map(({ decision, dice }) => [decision, dice.n])).toEqual([
      ['accepted', 0],
      ['rejected', 1],
      ['none', 2],
    ]);
    const corrected = cases.find((one) => one.studyInstanceUid === SECOND)?.corrected;
    const frames = 12;
    const dice = (2 * (frames - 1)) / (2 * frames - 1);
    expect(corrected?.inUseDice).toBeCloseTo(dice, 9);
    expect(corrected?.candidateDice).toBeGreaterThan(0);
    expect(corrections).toMatchObject({ n: 1, inUseNearer: 1, candidateNearer: 0 });
    expect(cases).toHaveLength(3);
  });

  it('does a study again that is processed again only where its images, result or correction changed', async () => {
    await compared();
    const ends = () =>
      database().query(
        'SELECT study_instance_uid, version, ended_at FROM pansegnet.candidate_result ORDER BY 1',
      );
    const before = await ends();
    await pages.process(THIRD);
    await compared();
    expect(await ends()).toEqual(before);
    // Replaced under its UIDs, as an archive may be told to.
    await database().query(
      `UPDATE pansegnet.candidate_result SET images = 'of other images' WHERE study_instance_uid = $1`,
      [THIRD],
    );
    await pages.process(THIRD);
    await compared();
    const after = await ends();
    expect(after[2]).not.toEqual(before[2]);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
  });

  it('never compares with other images than those of the result', async () => {
    await compared();
    await database().query(
      `UPDATE pansegnet.candidate_result SET images = 'of other images', state = 'waiting'
       WHERE study_instance_uid = $1`,
      [THIRD],
    );
    await expect
      .poll(async () => (await report()).open, PATIENCE)
      .toEqual([
        {
          class: 'CT',
          candidate: 'new',
          waiting: 0,
          failed: 1,
          reason: expect.stringContaining('the images are no longer those of the result'),
        },
      ]);
    expect((await report()).groups[0]?.images).toBe(2);
    await pages.process(THIRD);
    expect((await compared()).images).toBe(3);
  });

  it('leaves nothing behind of patients who are erased or opted out', async () => {
    await compared();
    const studies = async () => (await report()).groups[0]?.cases.map((one) => one.studyInstanceUid);
    const [volume] = (await allVolumes(database())).filter((one) => one.studyInstanceUid === FIRST);
    if (!volume) throw new Error('the study has a volume');
    // The node's own database is one with transactions.
    const whole = database();
    await erasePatient(whole, volume.patientKey, new Date(), async () => undefined);
    expect(await studies()).toEqual([THIRD, SECOND]);
    await addOptOut(whole, { patientId: `P-${SECOND}` }, new Date());
    expect(await studies()).toEqual([THIRD]);
    await addOptOut(whole, { studyInstanceUid: THIRD }, new Date());
    expect(await whole.query('SELECT 1 FROM pansegnet.candidate_result')).toEqual([]);
    await pages.process(THIRD);
    expect(await whole.query('SELECT 1 FROM pansegnet.candidate_result')).toEqual([]);
  });
});
