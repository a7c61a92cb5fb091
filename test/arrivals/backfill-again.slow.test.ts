import { afterAll, beforeAll, expect, it } from 'vitest';
import { planBackfill, startBackfill } from '../../src/arrivals/watch/backfill.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { dueAnnouncements, settleAnnouncement } from '../../src/store/arrivals/announcements.ts';
import { markIgnored, rememberSource } from '../../src/store/arrivals/look-record.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { findStudy, lookAtStudy, markEnded, markQueued } from '../../src/store/records/study-log.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const [FAILED, KEPT_OUT, ORDINARY] = ['1.2.1', '1.2.2', '1.2.3'] as const;
const days = { since: '20250101', until: '20250131' };

let database: Database;
beforeAll(async () => {
  database = await openDatabase({ memory: true });
});
afterAll(() => database?.close());

const listed: DicomDataset[] = [FAILED, KEPT_OUT, ORDINARY].map((uid) => ({
  StudyInstanceUID: uid,
  StudyDate: '20250110',
  PatientID: 'P-1',
}));
const plan = () =>
  planBackfill(
    {
      archive: {
        searchStudiesMatching: async function* () {
          yield* listed;
        },
      },
      database,
      namesNobody: () => false,
      patientKey: ({ patientId }) => `key of ${patientId}`,
      pageSize: 10,
      signal: new AbortController().signal,
      onMonth: () => undefined,
    },
    days,
  );
const openStudies = async () => (await plan()).open.map((one) => one.studyInstanceUid).toSorted();
const look = (studyInstanceUid: string) => ({ studyInstanceUid, fingerprint: 'f', now: NOW });

async function settleAll(): Promise<string[]> {
  const settled: string[] = [];
  for (;;) {
    const [one] = await dueAnnouncements(database, NOW, 1);
    if (!one) return settled.toSorted();
    expect(one.source).toEqual({ kind: 'earlier', studyDate: '20250110', patientKey: 'key of P-1' });
    await settleAnnouncement(database, one);
    settled.push(one.studyInstanceUid);
  }
}

it('an earlier study that failed, or was kept out, is tried again when a backfill is asked for again', async () => {
  for (const [uid, kind] of [
    [FAILED, 'earlier'],
    [KEPT_OUT, 'earlier'],
    [ORDINARY, 'poll'],
  ] as const) {
    await lookAtStudy(database, look(uid));
    await rememberSource(database, uid, { kind });
    if (uid === KEPT_OUT) {
      await markIgnored(database, { ...look(uid), reason: 'a rule' });
      continue;
    }
    // With the counts, as where results go to the archive.
    await markQueued(database, { ...look(uid), isNew: false });
    await markEnded(database, { studyInstanceUid: uid, state: 'failed', reason: 'so', now: NOW });
  }
  // One that failed in the usual way is among those that were given up: `queue requeue`.
  expect(await openStudies()).toEqual([FAILED, KEPT_OUT]);
  await startBackfill(database, await plan(), NOW);
  expect(await settleAll()).toEqual([FAILED, KEPT_OUT]);
  for (const uid of [FAILED, KEPT_OUT]) {
    expect(await lookAtStudy(database, look(uid))).toMatchObject({ settled: false });
    expect(await findStudy(database, uid)).toMatchObject({ state: 'seen', reason: undefined });
  }
  expect(await findStudy(database, ORDINARY)).toMatchObject({ state: 'failed' });
});
