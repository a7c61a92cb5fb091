import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/exchange/notifications/message.ts';
import { type NotifierParts, notifyOnce } from '../../src/exchange/notifications/notifier.ts';
import { NOTIFICATION_QUEUE, openOutbox, takeDue } from '../../src/exchange/notifications/outbox.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { recordVolume } from '../../src/store/records/history.ts';
import { headerRecorder } from '../../src/store/records/study-header.ts';
import { markEnded, markRunning } from '../../src/store/records/study-log.ts';
import { measuredVolume } from './measured-volume.ts';

const DATABASE_MS = 120_000;
const MINUTE = 60_000;
/** A pause is read some time after it began. */
const LATENESS_SECONDS = 15;

/** What is told of studies, when, and how often, wherever the messages wait. */
export function notificationsBehaviour(open: () => Promise<Database>): void {
  let database: Database;
  let engine: JobEngine;
  let clock: number;
  let delivered: Message[];
  let refusing: boolean;
  /** Of every try, delivered or not. */
  let numbers: number[];

  beforeAll(async () => {
    database = await open();
    engine = await JobEngine.open(database, (error) => console.error(error));
    await openOutbox(engine);
  }, DATABASE_MS);
  afterAll(async () => {
    await engine.stop();
    await database.close();
  });
  beforeEach(async () => {
    clock = Date.parse('2026-03-02T08:00:00Z');
    delivered = [];
    refusing = false;
    numbers = [];
    await database.query('DELETE FROM pgboss.job');
    await database.query(`DELETE FROM pansegnet.setting WHERE name ~ 'notified-until|arriv|silence'`);
    await database.query('DELETE FROM pansegnet.study');
    await database.query('DELETE FROM pansegnet.volume');
    await notifyOnce(parts());
  });

  const now = () => new Date(clock);

  function parts(settings: Partial<NotifierParts['settings']> = {}): NotifierParts {
    return {
      engine,
      settings: {
        events: ['failed', 'finished', 'change'],
        changePercent: 10,
        nothingArrivedHours: null,
        patientData: false,
        pagesUrl: 'https://node.example.org',
        trends: { correctedCounts: true, repeatabilityPercent: {} },
        ...settings,
      },
      channels: {
        test: async ({ id, message }) => {
          numbers.push(id);
          if (refusing) throw new Error('not now');
          delivered.push(message);
        },
      },
      now,
      warn: () => {},
    };
  }

  /** Until the one message that waits is due. */
  async function pauseSeconds(): Promise<number> {
    const [waiting] = await engine.boss.findJobs(NOTIFICATION_QUEUE, { queued: true });
    return waiting ? (waiting.startAfter.getTime() - Date.now()) / 1000 : 0;
  }

  const makeDue = () => database.query('UPDATE pgboss.job SET start_after = now()');

  async function end(studyInstanceUid: string, state: 'done' | 'failed'): Promise<void> {
    clock += MINUTE;
    const image = { PatientID: 'P-1', PatientName: 'Doe^Jane', StudyDate: '20260301' };
    await (await headerRecorder(database, { names: true }))(studyInstanceUid, image);
    await markRunning(database, { studyInstanceUid, now: now() });
    const why = state === 'failed' ? { reason: 'of Doe^Jane nothing came', errorCode: 'DICOM_GEOMETRY' } : {};
    await markEnded(database, { studyInstanceUid, state, ...why, now: now() });
  }

  const noteSeen = (studyInstanceUid: string) => markRunning(database, { studyInstanceUid, now: now() });

  describe('notifications', () => {
    it('tell of a study that failed, once, and not of those before the first look', async () => {
      await end('1.1', 'failed');
      await notifyOnce(parts());
      await notifyOnce(parts());
      expect(delivered).toEqual([
        {
          event: 'study.failed',
          at: now().toISOString(),
          studyInstanceUid: '1.1',
          link: 'https://node.example.org/studies/1.1',
          errorCode: 'DICOM_GEOMETRY',
        },
      ]);
      await database.query(`DELETE FROM pansegnet.setting WHERE name = 'notified-until'`);
      await database.query('DELETE FROM pgboss.job');
      clock += MINUTE;
      await notifyOnce(parts());
      expect(delivered).toHaveLength(1);
    });

    it('name no patient unless the site wants it', async () => {
      await end('1.2', 'failed');
      await notifyOnce(parts());
      expect(JSON.stringify(delivered)).not.toMatch(/Doe|P-1|20260301/);
      await end('1.2', 'failed');
      await notifyOnce(parts({ patientData: true }));
      expect(delivered.at(-1)?.details).toMatchObject({ patientName: 'Doe^Jane', patientId: 'P-1' });
    });

    it('tell of a change above the threshold, once however often the study is processed', async () => {
      await recordVolume(database, measuredVolume('key', '20240301', { volumeMl: 80 }));
      await recordVolume(database, measuredVolume('key', '20250301', { volumeMl: 70 }));
      const later = measuredVolume('key', '20250301').studyInstanceUid;
      await end(measuredVolume('key', '20240301').studyInstanceUid, 'failed');
      for (const _ of [1, 2]) {
        await end(later, 'done');
        await notifyOnce(parts({ events: ['change'] }));
      }
      expect(delivered).toHaveLength(1);
      expect(delivered[0]).toMatchObject({ event: 'volume.changed', class: 'CT', changePercent: -12.5 });
      delivered = [];
      await database.query('DELETE FROM pgboss.job');
      await end(later, 'done');
      await notifyOnce(parts({ events: ['change'], changePercent: 13 }));
      expect(delivered).toEqual([]);
    });

    it('tell nothing of what is in the history alone, and compare nothing with it', async () => {
      const rival = { ...measuredVolume('key', '20250301').model, sha256: 'b'.repeat(64) };
      for (const [date, volumeMl] of [
        ['20240301', 80],
        ['20250301', 40],
      ] as const)
        await recordVolume(
          database,
          measuredVolume('key', date, { volumeMl, historyAlone: true, model: rival }),
        );
      // The archive has one result, which nothing stands before there.
      await recordVolume(database, measuredVolume('key', '20240301', { volumeMl: 80, historyAlone: true }));
      await recordVolume(database, measuredVolume('key', '20250301', { volumeMl: 70 }));
      await end(measuredVolume('key', '20250301').studyInstanceUid, 'done');
      await notifyOnce(parts({ events: ['finished', 'change'], patientData: true }));
      expect(delivered.map(({ event }) => event)).toEqual(['study.finished']);
      expect(delivered[0]?.details?.volumes).toMatchObject([{ volumeMl: 70 }]);
    });

    it('tell once that nothing has arrived for so many hours, and again after something has', async () => {
      const HOUR = 60 * MINUTE;
      const look = () => notifyOnce(parts({ events: [], nothingArrivedHours: 24 }));
      await look();
      clock += 23 * HOUR;
      await look();
      expect(delivered, 'it counts from the first look').toEqual([]);
      clock += HOUR;
      await Promise.all([look(), look()]);
      await look();
      expect(delivered).toEqual([{ event: 'nothing.arrived', at: now().toISOString(), hours: 24 }]);

      await noteSeen('1.7');
      await look();
      clock += 24 * HOUR - 1;
      await look();
      expect(delivered).toHaveLength(1);
      clock += 2;
      await look();
      expect(delivered).toHaveLength(2);
      clock += 48 * HOUR;
      await notifyOnce(parts());
      expect(delivered).toHaveLength(2);
    });

    it('are tried again, ever later, until they are delivered, always with the same number', async () => {
      refusing = true;
      await end('1.3', 'failed');
      const pauses: number[] = [];
      for (const _ of [1, 2, 3]) {
        await notifyOnce(parts());
        await notifyOnce(parts());
        pauses.push(await pauseSeconds());
        await makeDue();
      }
      expect(numbers).toHaveLength(3);
      refusing = false;
      await notifyOnce(parts());
      expect(delivered).toHaveLength(1);
      expect(new Set(numbers).size).toBe(1);
      for (const [place, pause] of pauses.entries()) {
        expect(pause).toBeGreaterThan(30 * 2 ** place - LATENESS_SECONDS);
        expect(pause).toBeLessThanOrEqual(60 * 2 ** place);
      }
    });

    it('are given up in the end, and not told again', async () => {
      refusing = true;
      await end('1.4', 'failed');
      const longest: number[] = [];
      for (const _ of Array.from({ length: 20 })) {
        await notifyOnce(parts());
        longest.push(await pauseSeconds());
        await makeDue();
      }
      expect(numbers).toHaveLength(18);
      expect(Math.max(...longest)).toBeLessThanOrEqual(3_600);
      const told = await engine.boss.findJobs(NOTIFICATION_QUEUE);
      expect(told).toMatchObject([{ state: 'failed', retryCount: 17, output: { reason: 'not now' } }]);
    });

    it('are not delivered by two processes at the same time', async () => {
      await end('1.5', 'failed');
      const channels = { test: () => notifyOnce(parts()) };
      await notifyOnce({ ...parts(), channels });
      expect(delivered).toEqual([]);
    });

    it('are delivered again where a process ended in the midst', async () => {
      await end('1.6', 'failed');
      refusing = true;
      await notifyOnce(parts());
      refusing = false;
      await makeDue();
      await takeDue(engine); // by a process that says nothing more
      await database.query(`UPDATE pgboss.job SET started_on = now() - interval '61 s'`);
      await engine.boss.supervise(NOTIFICATION_QUEUE);
      await makeDue();
      await notifyOnce(parts());
      expect(delivered).toHaveLength(1);
      expect(new Set(numbers).size).toBe(1);
      const told = await engine.boss.findJobs(NOTIFICATION_QUEUE);
      expect(told).toMatchObject([{ state: 'completed', retryCount: 2 }]);
    });
  });
}
