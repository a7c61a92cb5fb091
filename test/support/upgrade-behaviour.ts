import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Message } from '../../src/exchange/notifications/message.ts';
import { notifyOnce } from '../../src/exchange/notifications/notifier.ts';
import { NOTIFICATION_QUEUE, openOutbox, putMessage } from '../../src/exchange/notifications/outbox.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { MIGRATIONS } from '../../src/store/database/migration-steps.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { beginRun } from '../../src/store/records/run-log.ts';
import { findStudy } from '../../src/store/records/study-log.ts';
import type { DatabaseSite } from './database-sites.ts';
import { diarist } from './queue-bench.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/databases');

/** What starting this program on the database of an earlier, or a later, one does. */
export function upgradeBehaviour(newSite: () => Promise<DatabaseSite>): void {
  it.each([1, 2])(
    'a database of schema version %i is brought forward, and the work goes on',
    async (version) => {
      const site = await newSite();
      await site.load(readFileSync(path.join(FIXTURES, `schema-${version}.sql`), 'utf8'));
      const database = await site.open();
      try {
        expect(await database.query('SELECT version FROM pansegnet.schema_version')).toEqual([
          { version: MIGRATIONS.length },
        ]);
        expect(await allVolumes(database)).toMatchObject([
          {
            studyInstanceUid: '1.2.3.1',
            volumeMl: 82.5,
            flags: ['small'],
            intervalMl: version >= 2 ? { low: 80, high: 85 } : null,
            correction: version >= 2 ? { volumeMl: 90 } : null,
            withdrawn: version >= 2 ? { reason: '113001' } : null,
          },
        ]);
        expect(await findStudy(database, '1.2.3.1')).toMatchObject({ state: 'done' });
        // A run keeps what it had fixed before the upgrade.
        const now = new Date();
        const again = { studyInstanceUid: '1.2.3.3', fingerprint: 'f-1.2.3.3', requestId: 'arrival', now };
        const run = await beginRun(database, again);
        expect(await database.query('SELECT starts FROM pansegnet.run WHERE id = $1', [run.id])).toEqual([
          { starts: 2 },
        ]);

        const engine = await JobEngine.open(database, (error) => console.error(error));
        const queue = await StudyQueue.open(engine, { pollingSeconds: 0.2, heartbeatSeconds: 1 });
        expect(await queue.dead({ limit: 10, offset: 0 })).toMatchObject([
          { studyInstanceUid: '1.2.3.2', code: 'DICOM_GEOMETRY', tries: 1 },
        ]);
        const { worker, jobs } = diarist(async () => undefined);
        queue.work(worker);
        await queue.drained();
        expect(jobs.map(({ studyInstanceUid }) => studyInstanceUid).sort()).toEqual(['1.2.3.3', '1.2.3.4']);
        await queue.stop({ graceMs: 0 });
        await engine.stop();
      } finally {
        await database.close();
        await site.remove();
      }
    },
  );

  it('notifications that an earlier program had not delivered are, each at its time, and no event is told twice', async () => {
    const site = await newSite();
    await site.load(`
      CREATE SCHEMA pansegnet;
      CREATE TABLE pansegnet.schema_version (version integer NOT NULL);
      INSERT INTO pansegnet.schema_version VALUES (5);
      ${MIGRATIONS.slice(0, 5).join('')}
      INSERT INTO pansegnet.notification (event_key, channel, message, tries, next_try_at, outcome, last_error)
      SELECT key, 'test', jsonb_build_object('event', 'study.failed', 'at', '2026-03-02T08:00:00.000Z', 'studyInstanceUid', key),
             tries, now() + pause, outcome, outcome
      FROM (VALUES
        ('due', 0, interval '-1 s', NULL),
        ('later', 4, interval '1 h', NULL),
        ('old', 1, interval '-1 h', 'delivered'),
        ('hopeless', 18, interval '-1 h', 'given up')
      ) AS row (key, tries, pause, outcome)`);
    const database = await site.open();
    const engine = await JobEngine.open(database, (error) => console.error(error));
    try {
      await openOutbox(engine);
      await openOutbox(engine);
      const got: { id: number; study: string }[] = [];
      const deliver = () =>
        notifyOnce({
          engine,
          settings: {
            events: [],
            changePercent: 10,
            patientData: false,
            pagesUrl: undefined,
            trends: { correctedCounts: true, repeatabilityPercent: {} },
          },
          channels: {
            test: async ({ id, message }) => void got.push({ id, study: message.studyInstanceUid ?? '' }),
          },
          now: () => new Date(),
          warn: (fields) => console.error(fields),
        });
      await deliver();
      expect(got).toEqual([{ id: 1, study: 'due' }]);
      const [waiting] = await engine.boss.findJobs(NOTIFICATION_QUEUE, { queued: true });
      const inMinutes = ((waiting?.startAfter.getTime() ?? 0) - Date.now()) / 60_000;
      expect(inMinutes).toBeGreaterThan(50);
      expect(inMinutes).toBeLessThanOrEqual(60);
      // Fourteen tries are left, and the pause after the fifth is eight minutes at least.
      expect(waiting).toMatchObject({
        retryLimit: 13,
        retryDelay: 480,
        retryBackoff: true,
        retryDelayMax: 3_600,
      });
      const message: Message = {
        event: 'study.failed',
        at: '2026-03-02T08:00:00.000Z',
        studyInstanceUid: 'new',
      };
      await database.transaction(async (sql) => {
        for (const key of ['due', 'later', 'old', 'hopeless', 'new'])
          await putMessage(engine, sql, { key, message }, 'test');
      });
      await database.query(`UPDATE pgboss.job SET start_after = now() WHERE state < 'active'`);
      await deliver();
      await deliver();
      expect(got.map(({ study }) => study)).toEqual(['due', 'later', 'new']);
      expect(got[1]?.id).toBe(2);
      expect(got[2]?.id).toBeGreaterThan(4);
    } finally {
      await engine.stop();
      await database.close();
      await site.remove();
    }
  });

  it('a database that a newer program has written is refused, and left as it is', async () => {
    const site = await newSite();
    const database = await site.open();
    const newer = MIGRATIONS.length + 1;
    await database.query('UPDATE pansegnet.schema_version SET version = version + 1');
    await database.close();
    await expect(site.open()).rejects.toMatchObject({
      code: 'DATABASE_NEWER',
      message: expect.stringContaining(`schema version ${newer}, this program knows ${MIGRATIONS.length}`),
    });
    await site.load(`DO $$ BEGIN
      ASSERT (SELECT version FROM pansegnet.schema_version) = ${newer};
    END $$`);
    await site.remove();
  });
}
