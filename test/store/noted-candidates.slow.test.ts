import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import {
  type CandidateFinding,
  type ClaimedCandidate,
  claimCandidate,
  comparedCandidates,
  failCandidate,
  finishCandidate,
  forgetCandidates,
  type NotedCandidate,
  noteCandidate,
  openCandidates,
  releaseCandidate,
} from '../../src/store/records/candidates.ts';

const NOW = new Date('2026-03-01T10:00:00Z');
const MODEL = { name: 'old', version: '1', sha256: 'a', mode: 'fast' } as const;
const FINDING = { model: MODEL, volumeMl: 50, voxelCount: 5, intervalMl: null, flags: [] };
const NOTED: NotedCandidate = {
  studyInstanceUid: '1',
  seriesInstanceUid: '1.1',
  part: '',
  class: 'CT',
  candidate: 'new',
  report: '1.9',
  inUse: { ...FINDING, seg: null },
  images: 'these',
  correction: null,
};
const RESULT: CandidateFinding = { ...FINDING, dice: 0.9, corrected: null, software: '1' };
const [ONE, OTHER] = [
  { owner: 'one', seconds: 60 },
  { owner: 'other', seconds: 60 },
];

let database: Database;
beforeAll(async () => {
  database = await openDatabase({ memory: true });
});
beforeEach(() => database.query('DELETE FROM pansegnet.candidate_result'));
afterAll(() => database?.close());

const note = (noted: Partial<NotedCandidate> = {}) =>
  noteCandidate(database, { ...NOTED, ...noted }, { optOutKeys: [], now: NOW });
const claim = (lease = ONE) => claimCandidate(database, [{ class: 'CT', name: 'new' }], lease);
async function claimed(lease = ONE): Promise<ClaimedCandidate> {
  const found = await claim(lease);
  if (!found) throw new Error('nothing is due');
  return found;
}
const finish = (what: ClaimedCandidate, owner = ONE.owner) =>
  finishCandidate(database, what, owner, { result: RESULT, now: NOW });
const waiting = async () => (await openCandidates(database)).map((one) => [one.waiting, one.failed]);

it('images are at one process at a time, and at another when that one said nothing for long', async () => {
  await note();
  const first = await claimed();
  expect(first).toMatchObject({ ...NOTED, tries: 1 });
  expect(await claim(OTHER)).toBeUndefined();
  await database.query(`UPDATE pansegnet.candidate_result SET lease_until = now() - interval '1 s'`);
  const second = await claimed(OTHER);
  expect(second.tries).toBe(2);
  // Who was taken for dead writes nothing any more.
  expect(await finish(first)).toBe(false);
  expect(await finish(second, OTHER.owner)).toBe(true);
  expect(await finish(second, OTHER.owner)).toBe(false);
  expect(await comparedCandidates(database)).toHaveLength(1);
});

it('a candidate that is not configured takes nothing', async () => {
  await note();
  expect(await claimCandidate(database, [{ class: 'T1W', name: 'new' }], ONE)).toBeUndefined();
  expect(await claimCandidate(database, [], ONE)).toBeUndefined();
});

it('what gives way to a study is due at once, and was not a try', async () => {
  await note();
  for (let i = 0; i < 3; i++) await releaseCandidate(database, await claimed(), ONE.owner);
  expect((await claimed()).tries).toBe(1);
});

it('what is noted again with the same input changes nothing, done or in work', async () => {
  await note();
  const first = await claimed();
  await note();
  expect(await finish(first)).toBe(true);
  await note({ report: '1.10' });
  expect(await waiting()).toEqual([]);
  expect((await comparedCandidates(database)).map(({ report }) => report)).toEqual(['1.10']);
});

it.each<[string, Partial<NotedCandidate>]>([
  ['images', { images: 'others' }],
  ['result', { inUse: { ...FINDING, volumeMl: 51, seg: null } }],
  ['model in use', { inUse: { ...FINDING, model: { ...MODEL, sha256: 'b' }, seg: null } }],
  ['correction', { correction: { seriesInstanceUid: '1.7', sopInstanceUid: '1.7.1' } }],
])('another %s has to be compared anew, and what was found before is not written', async (_what, change) => {
  await note();
  const before = await claimed();
  await note(change);
  expect(await finish(before)).toBe(false);
  const again = await claimed();
  expect(again).toMatchObject({ ...NOTED, ...change, tries: 1 });
  expect(await finish(again)).toBe(true);
  await note();
  expect(await comparedCandidates(database)).toEqual([]);
  expect(await waiting()).toEqual([[1, 0]]);
});

it('what failed waits for its pause, or for another run of the study where it failed for good', async () => {
  await note();
  const end = { reason: 'a\0reason', errorCode: 'DICOM_WEB_STATUS', now: NOW };
  await failCandidate(database, await claimed(), ONE.owner, { ...end, again: { pauseSeconds: 3600 } });
  expect(await claim()).toBeUndefined();
  await database.query('UPDATE pansegnet.candidate_result SET due_at = now()');
  await failCandidate(database, await claimed(), ONE.owner, { ...end, again: false });
  expect(await openCandidates(database)).toMatchObject([{ waiting: 0, failed: 1, reason: 'areason' }]);
  await note();
  expect(await waiting()).toEqual([[1, 0]]);
});

it('what is erased while it is worked on stays away', async () => {
  await note();
  const what = await claimed();
  await forgetCandidates(database, ['1']);
  expect(await finish(what)).toBe(false);
  expect(await database.query('SELECT 1 FROM pansegnet.candidate_result')).toEqual([]);
});
