import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/exchange/notifications/message.ts';
import { type NotifierParts, notifyOnce } from '../../src/exchange/notifications/notifier.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { recordVolume } from '../../src/store/records/history.ts';
import { headerRecorder } from '../../src/store/records/study-header.ts';
import { markEnded, markRunning } from '../../src/store/records/study-log.ts';
import { measuredVolume } from './measured-volume.ts';

const DATABASE_MS = 120_000;
const MINUTE = 60_000;

/** What is told of studies, when, and how often, wherever the messages wait. */
export function notificationsBehaviour(open: () => Promise<Database>): void {
  let database: Database;
  let clock: number;
  let delivered: Message[];
  let refusing: boolean;

  beforeAll(async () => {
    database = await open();
  }, DATABASE_MS);
  afterAll(() => database.close());
  beforeEach(async () => {
    clock = Date.parse('2026-03-02T08:00:00Z');
    delivered = [];
    refusing = false;
    await database.query('DELETE FROM pansegnet.notification');
    await database.query(`DELETE FROM pansegnet.setting WHERE name = 'notified-until'`);
    await database.query('DELETE FROM pansegnet.study');
    await database.query('DELETE FROM pansegnet.volume');
    await notifyOnce(parts());
  });

  const now = () => new Date(clock);

  function parts(settings: Partial<NotifierParts['settings']> = {}): NotifierParts {
    return {
      sql: database,
      settings: {
        events: ['failed', 'finished', 'change'],
        changePercent: 10,
        patientData: false,
        pagesUrl: 'https://node.example.org',
        trends: { correctedCounts: true, repeatabilityPercent: {} },
        ...settings,
      },
      channels: {
        test: async ({ message }) => {
          if (refusing) throw new Error('not now');
          delivered.push(message);
        },
      },
      now,
      warn: () => {},
    };
  }

  async function end(studyInstanceUid: string, state: 'done' | 'failed'): Promise<void> {
    clock += MINUTE;
    const image = { PatientID: 'P-1', PatientName: 'Doe^Jane', StudyDate: '20260301' };
    await (await headerRecorder(database, { names: true }))(studyInstanceUid, image);
    await markRunning(database, { studyInstanceUid, now: now() });
    const why = state === 'failed' ? { reason: 'of Doe^Jane nothing came', errorCode: 'DICOM_GEOMETRY' } : {};
    await markEnded(database, { studyInstanceUid, state, ...why, now: now() });
  }

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
      await database.query('DELETE FROM pansegnet.notification');
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
      for (const _ of [1, 2]) {
        await end(later, 'done');
        await notifyOnce(parts({ events: ['change'] }));
      }
      expect(delivered).toHaveLength(1);
      expect(delivered[0]).toMatchObject({ event: 'volume.changed', class: 'CT', changePercent: -12.5 });
      delivered = [];
      await database.query('DELETE FROM pansegnet.notification');
      await end(later, 'done');
      await notifyOnce(parts({ events: ['change'], changePercent: 13 }));
      expect(delivered).toEqual([]);
    });

    it('are tried again, ever later, until they are delivered', async () => {
      refusing = true;
      await end('1.3', 'failed');
      await notifyOnce(parts());
      clock += 29_000;
      refusing = false;
      await notifyOnce(parts());
      expect(delivered).toEqual([]);
      clock += 2_000;
      await notifyOnce(parts());
      expect(delivered).toHaveLength(1);
    });

    it('are given up in the end', async () => {
      refusing = true;
      await end('1.4', 'failed');
      for (const _ of Array.from({ length: 20 })) {
        await notifyOnce(parts());
        clock += 61 * MINUTE;
      }
      const rows = await database.query('SELECT outcome, tries, last_error FROM pansegnet.notification');
      expect(rows).toEqual([{ outcome: 'given up', tries: 18, last_error: 'not now' }]);
    });
  });
}
