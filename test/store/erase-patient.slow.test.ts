import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../src/exchange/notifications/message.ts';
import { NOTIFICATION_QUEUE, openOutbox, putMessage } from '../../src/exchange/notifications/outbox.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { requestStudy } from '../../src/queue/request-study.ts';
import { announceStudies, dueAnnouncements } from '../../src/store/arrivals/announcements.ts';
import {
  dueEarlierSearch,
  settleEarlierSearch,
  studiesOpen,
  wantEarlierStudies,
} from '../../src/store/arrivals/earlier-searches.ts';
import { rememberSource } from '../../src/store/arrivals/look-record.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { announceResult } from '../../src/store/exchange/announce-result.ts';
import { outgoingOfStudy, setExits } from '../../src/store/exchange/outgoing.ts';
import { endOrder, keepOrder } from '../../src/store/orders/performed-orders.ts';
import { createWorkitem } from '../../src/store/orders/workitems.ts';
import { eraseJobs } from '../../src/store/queue/pgboss-tables.ts';
import { erasePatient } from '../../src/store/records/erase-patient.ts';
import { recordVolume } from '../../src/store/records/history.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { findPatient } from '../../src/store/records/patient-record.ts';
import { recordReportPriors } from '../../src/store/records/report-priors.ts';
import { recordReview } from '../../src/store/records/reviews.ts';
import { beginRun, finishRun, freezeInput, recordDecisions } from '../../src/store/records/run-log.ts';
import { headerRecorder } from '../../src/store/records/study-header.ts';
import { lookAtStudy, markEnded, markQueued, settleErased } from '../../src/store/records/study-log.ts';
import { describeDatabases } from '../support/database-sites.ts';
import { measuredVolume } from '../support/measured-volume.ts';

const NOW = new Date('2026-03-02T08:00:00Z');
const JANE = {
  PatientName: 'Doe^Jane',
  PatientID: 'MRN-JANE',
  PatientBirthDate: '19600102',
  PatientSex: 'F',
};
const RITA = { ...JANE, PatientName: 'Roe^Rita', PatientID: 'MRN-RITA' };

describeDatabases('a patient who is erased', (newSite) => {
  /** A database in which Jane has study 2.25.1 and Rita 2.25.2. */
  async function withBoth(
    body: (both: { database: Database; jane: string; rita: string }) => Promise<void>,
  ): Promise<void> {
    const site = await newSite();
    const database = await site.open();
    const engine = await JobEngine.open(database, (error) => console.error(error));
    try {
      await openOutbox(engine);
      const keyOf = await patientKeys(database);
      const jane = keyOf({ patientId: 'MRN-JANE', issuer: undefined, studyInstanceUid: '' });
      const rita = keyOf({ patientId: 'MRN-RITA', issuer: undefined, studyInstanceUid: '' });
      await lived(database, engine, jane, '2.25.1', JANE);
      await lived(database, engine, rita, '2.25.2', RITA);
      await body({ database, jane, rita });
    } finally {
      await engine.stop();
      await database.close();
      await site.remove();
    }
  }

  it('leaves nothing but UIDs behind, and the others as they were', () =>
    withBoth(async ({ database, jane, rita }) => {
      const workitem = {
        studyInstanceUid: '2.25.1',
        patientKey: jane,
        dataset: { '00100010': JANE.PatientName },
      };
      await createWorkitem(database, { ...workitem, workitemUid: '2.25.71' }, NOW);
      const order = {
        worklist: '',
        workitemUid: '2.25.71',
        studyInstanceUid: '2.25.1',
        transactionUid: '2.25.8',
      };
      const named = { ...order, request: {}, accessionNumber: 'JANE-1', requestedProcedure: '' };
      await keepOrder(database, named, NOW);
      expect(await said(database, ['doe', 'jane', jane])).not.toEqual([]);
      const before = await findPatient(database, rita);

      const erase = () =>
        erasePatient(database, jane, NOW, (sql, { studies }) =>
          eraseJobs(sql, [NOTIFICATION_QUEUE], studies),
        );
      await markQueued(database, { studyInstanceUid: '2.25.1', isNew: true, now: NOW });
      await expect(erase()).rejects.toMatchObject({ code: 'PATIENT_BUSY' });
      expect((await findPatient(database, jane))?.volumes).toHaveLength(1);
      await expect(erase()).rejects.toMatchObject({ code: 'PATIENT_BUSY' });
      await endOrder(database, order, { state: 'CANCELED', now: NOW });
      await markEnded(database, { studyInstanceUid: '2.25.1', state: 'done', now: NOW });
      await database.query('UPDATE pansegnet.study SET answered_requests = requests');
      await markEnded(database, { studyInstanceUid: '2.25.1', state: 'done', now: NOW });

      expect((await erase()).studies).toEqual(['2.25.1']);
      expect(await said(database, ['doe', 'jane', jane])).toEqual([]);
      expect(await findPatient(database, jane)).toBeUndefined();
      expect(await outgoingOfStudy(database, '2.25.1')).toEqual([]);
      expect(await outgoingOfStudy(database, '2.25.2')).toHaveLength(1);
      expect(await findPatient(database, rita)).toEqual(before);
      expect(await said(database, ['roe', 'rita'])).not.toEqual([]);
      // The same counts need no other run.
      const look = { studyInstanceUid: '2.25.1', fingerprint: 'f', now: NOW };
      expect(await lookAtStudy(database, look)).toMatchObject({ settled: true });
    }));

  it('takes along what was announced of earlier studies, so that nothing brings it back', () =>
    withBoth(async ({ database, jane, rita }) => {
      const erase = () => erasePatient(database, jane, NOW, async () => undefined);
      const earlier = (uid: string) =>
        announceStudies(database, {
          studyInstanceUids: [uid],
          source: { kind: 'earlier', studyDate: '20200101', patientKey: jane },
          now: NOW,
          dueAt: NOW,
        });
      await wantEarlierStudies(database, { patientKey: jane, studyInstanceUid: '2.25.1', now: NOW });
      const search = await dueEarlierSearch(database, NOW);
      if (!search) throw new Error('no search is due');
      // The search found three: one waits for a look, one had its look, and one is Rita's by now. The fourth
      // was announced by `history backfill`.
      const answer = { taken: ['2.25.11', '2.25.12', '2.25.2'], leftOut: [] };
      expect(await settleEarlierSearch(database, search, { answer, now: NOW })).toBe(true);
      for (const uid of ['2.25.11', '2.25.14']) await earlier(uid);
      const look = { studyInstanceUid: '2.25.12', fingerprint: 'f', now: NOW };
      await lookAtStudy(database, look);
      await rememberSource(database, '2.25.12', { kind: 'earlier', patientKey: jane });
      await rememberSource(database, '2.25.2', { kind: 'earlier', patientKey: jane });
      const before = await findPatient(database, rita);

      await markQueued(database, { studyInstanceUid: '2.25.12', isNew: true, now: NOW });
      await expect(erase()).rejects.toMatchObject({ code: 'PATIENT_BUSY' });
      await markEnded(database, { studyInstanceUid: '2.25.12', state: 'failed', now: NOW });
      await database.query('UPDATE pansegnet.study SET answered_requests = requests');
      await markEnded(database, { studyInstanceUid: '2.25.12', state: 'failed', now: NOW });

      expect((await erase()).studies).toEqual(['2.25.1', '2.25.11', '2.25.12', '2.25.14']);
      expect(await said(database, [jane])).toEqual([]);
      expect(await dueAnnouncements(database, NOW, 10)).toEqual([]);
      expect(await findPatient(database, rita)).toEqual(before);
      const all = ['2.25.11', '2.25.12', '2.25.13', '2.25.14'];
      expect([...(await studiesOpen(database, all))]).toEqual(['2.25.13']);
      // A look that was under way, and a search.
      const queue = { add: async () => true, wake: () => undefined };
      const request = { studyInstanceUid: '2.25.11', reason: 'earlier', now: NOW } as const;
      // Nor does another way in: those images are dealt with. New ones are news.
      for (const [uid, fingerprint, settled] of [
        ['2.25.11', 'f', true],
        ['2.25.12', 'f', true],
        ['2.25.12', 'other', false],
      ] as const) {
        const images = { studyInstanceUid: uid, fingerprint, now: NOW };
        await settleErased(database, images);
        expect((await lookAtStudy(database, images)).settled, uid).toBe(settled);
      }
      expect(await requestStudy({ database, queue }, request)).toBe(false);
      expect(await settleEarlierSearch(database, search, { answer, now: NOW })).toBe(false);
    }));
});

/** A study with all that the node keeps of one. */
async function lived(
  database: Database,
  engine: JobEngine,
  key: string,
  study: string,
  patient: typeof JANE,
): Promise<void> {
  const report = { seriesInstanceUid: `${study}.3`, sopInstanceUid: `${study}.3.1` };
  const volume = measuredVolume(key, '20250301', {
    studyInstanceUid: study,
    seriesInstanceUid: `${study}.1`,
    report,
  });
  const run = await beginRun(database, {
    studyInstanceUid: study,
    fingerprint: 'f',
    requestId: 'arrival',
    now: NOW,
  });
  await freezeInput(database, run, 'slot', z.unknown(), async () => ({ of: patient.PatientName }));
  await (await headerRecorder(database, { names: true }))(study, {
    ...patient,
    StudyDescription: patient.PatientName,
  });
  const decision = { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN', chosen: true, reason: 'so' };
  await recordDecisions(database, study, [{ ...decision, description: patient.PatientName }]);
  await recordVolume(database, volume);
  await recordReportPriors(database, report.sopInstanceUid, ['2.25.9']);
  await setExits(database, ['fhir']);
  await announceResult(database, report.sopInstanceUid, NOW);
  const review = {
    decision: 'accepted',
    reason: patient.PatientName,
    reviewer: 'r',
    reviewedAt: NOW,
  } as const;
  await recordReview(database, report.sopInstanceUid, review);
  await finishRun(database, run, { outcome: 'done', now: NOW });
  const message: Message = {
    event: 'study.finished',
    at: NOW.toISOString(),
    studyInstanceUid: study,
    details: { patientName: patient.PatientName, volumes: [] },
  };
  await database.transaction((sql) => putMessage(engine, sql, { key: study, message }, 'test'));
}

/** The tables that say any of these words. */
async function said(database: Database, words: readonly string[]): Promise<string[]> {
  const tables = await database.query(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
     WHERE table_schema IN ('pansegnet', 'pgboss') AND table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const found: string[] = [];
  for (const { name } of z.array(z.object({ name: z.string() })).parse(tables)) {
    const rows = await database.query(`SELECT to_jsonb(one)::text AS row FROM ${name} AS one`);
    const text = JSON.stringify(rows).toLowerCase();
    if (words.some((word) => text.includes(word))) found.push(name);
  }
  return found;
}
