import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deliverDue, type ExitParts } from '../../src/exchange/outbox/deliver.ts';
import { DeliveryError } from '../../src/exchange/outbox/delivery-error.ts';
import { refusalsAllowed } from '../../src/exchange/outbox/exit-jobs.ts';
import { openExits } from '../../src/exchange/outbox/exits.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import type { Database, Sql } from '../../src/store/database/sql.ts';
import { announceResult } from '../../src/store/exchange/announce-result.ts';
import {
  exitFigures,
  type Outgoing,
  outgoingOfStudy,
  resendFailed,
  unsent,
} from '../../src/store/exchange/outgoing.ts';
import { recordCorrection, recordVolume, recordWithdrawal } from '../../src/store/records/history.ts';
import { recordReview } from '../../src/store/records/reviews.ts';
import type { MeasuredVolume } from '../../src/store/records/volume-record.ts';
import { measuredVolume } from './measured-volume.ts';
import { PATIENCE } from './patience.ts';

const DATABASE_MS = 120_000;
const NEVER = new AbortController().signal;
/** Of the node's own configuration. */
const PAUSES = { firstSeconds: 30, longestSeconds: 1_800 };
const NOW = new Date('2026-03-04T05:06:08Z');

/** What is told of results to other systems, when, in what order and how often, wherever it waits. */
export function outboxBehaviour(open: () => Promise<Database>): void {
  let database: Database;
  let engine: JobEngine;
  let exits: readonly ExitParts[];
  /** What each exit took. */
  let taken: Record<string, Outgoing[]>;
  /** Every try, by id. */
  let tried: string[];
  let trouble: Record<string, Error | undefined>;
  /** What happens while something is being sent. */
  let during: (() => Promise<void>) | undefined;
  let study = 0;

  beforeAll(async () => {
    database = await open();
    engine = await JobEngine.open(database, (error) => console.error(error));
  }, DATABASE_MS);
  afterAll(async () => {
    await engine.stop();
    await database.close();
  });
  beforeEach(async () => {
    [taken, tried, trouble, during] = [{ fhir: [], hl7: [] }, [], {}, undefined];
    study += 1;
    for (const table of ['pgboss.job', 'pansegnet.outgoing', 'pansegnet.exit', 'pansegnet.volume']) {
      await database.query(`DELETE FROM ${table}`);
    }
    exits = await opened();
  });

  const opened = (names: readonly string[] = ['fhir', 'hl7']) =>
    openExits({
      engine,
      exits: Object.fromEntries(
        names.map((name) => [
          name,
          async (message: Outgoing) => {
            tried.push(message.id);
            await during?.();
            const error = trouble[name];
            if (error) throw error;
            taken[name]?.push(message);
            return 'taken';
          },
        ]),
      ),
      pauses: PAUSES,
      now: () => NOW,
      warn: () => {},
    });
  const deliver = async () => {
    for (const exit of exits) await deliverDue(exit, NEVER);
  };
  /** As if so much time had gone by. */
  const pass = (interval: string) =>
    database.query(
      `UPDATE pgboss.job SET start_after = start_after - $1::interval,
      started_on = started_on - $1::interval`,
      [interval],
    );

  const volume = (other: Partial<MeasuredVolume> = {}): MeasuredVolume =>
    measuredVolume('key', `202603${String(study).padStart(2, '0')}`, other);
  const reportNamed = (name: string) => ({ seriesInstanceUid: `9.${name}`, sopInstanceUid: `8.${name}` });
  /** A run ends with this result. */
  const finish = (one: MeasuredVolume) =>
    database.transaction(async (sql) => {
      await recordVolume(sql, one);
      await announceResult(sql, one.report.sopInstanceUid, NOW);
    });
  const correct = (one: MeasuredVolume, volumeMl: number) =>
    database.transaction(async (sql) => {
      await recordCorrection(sql, one.report.sopInstanceUid, {
        volumeMl,
        voxelCount: 10,
        seg: reportNamed('reader'),
        report: reportNamed(`correction-${study}`),
        supersedes: one.report.sopInstanceUid,
        contentDateTime: NOW.toISOString(),
      });
      await announceResult(sql, one.report.sopInstanceUid, NOW);
    });
  const withdraw = (one: MeasuredVolume) =>
    database.transaction(async (sql) => {
      await recordWithdrawal(sql, one.report.sopInstanceUid, {
        reason: '113001',
        note: '7.1',
        at: NOW.toISOString(),
      });
      await announceResult(sql, one.report.sopInstanceUid, NOW);
    });
  const review = (one: MeasuredVolume, decision: 'accepted' | 'rejected') =>
    database.transaction(async (sql) => {
      await recordReview(sql, one.report.sopInstanceUid, {
        decision,
        reason: '',
        reviewer: 'r',
        reviewedAt: NOW,
      });
      await announceResult(sql, one.report.sopInstanceUid, NOW);
    });
  /** Resolves once another transaction waits for an advisory lock. */
  const waitsForLock = async (sql: Sql): Promise<void> => {
    const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    await expect.poll(async () => (await sql.query(waits)).length, PATIENCE).toBeGreaterThan(0);
  };
  const changes = (exit = 'fhir') => taken[exit]?.map(({ change }) => change);

  describe('what is told of results', () => {
    it('goes to every exit once, however often the result is written', async () => {
      for (const _ of [1, 2]) await finish(volume());
      await deliver();
      await deliver();
      expect(changes('fhir')).toEqual(['finished']);
      expect(changes('hl7')).toEqual(['finished']);
      expect(new Set(tried).size).toBe(2);
      for (const id of tried) expect(id).toMatch(/^[0-9A-F]{20}$/);
      expect(JSON.stringify(taken)).not.toContain('"key"');
    });

    it('is every change, in order, under one name of the result', async () => {
      const first = volume();
      await finish(first);
      const second = volume({ report: reportNamed('second'), supersedes: first.report.sopInstanceUid });
      await finish(second);
      await correct(second, 66);
      await review(second, 'accepted');
      await review(second, 'rejected');
      await withdraw(second);
      await deliver();
      expect(changes()).toEqual(['finished', 'reissued', 'corrected', 'withdrawn']);
      expect(new Set(taken['fhir']?.map(({ result }) => result)).size).toBe(1);
      const [, , corrected, withdrawn] = taken['fhir'] ?? [];
      expect(corrected?.volume.correction?.volumeMl).toBe(66);
      expect(withdrawn?.report).toBe(`8.correction-${study}`);
    });

    it('goes on under that name where the part has another name now', async () => {
      const first = volume({ part: 'old' });
      await finish(first);
      await finish(
        volume({ part: 'new', report: reportNamed('renamed'), supersedes: first.report.sopInstanceUid }),
      );
      await deliver();
      expect(changes()).toEqual(['finished', 'reissued']);
      expect(new Set(taken['fhir']?.map(({ result }) => result)).size).toBe(1);
    });

    it('is that a result stands again, where a reader takes a rejection back, each time under an id of its own', async () => {
      await finish(volume());
      for (const decision of ['rejected', 'accepted', 'rejected'] as const) await review(volume(), decision);
      await deliver();
      expect(changes()).toEqual(['finished', 'withdrawn', 'reissued', 'withdrawn']);
      expect(new Set(taken['fhir']?.map(({ id }) => id)).size).toBe(4);
    });

    it('is nothing of the past to a new exit', async () => {
      exits = await opened(['fhir']);
      await finish(volume());
      exits = await opened();
      await deliver();
      await withdraw(volume());
      await deliver();
      expect([changes('fhir'), changes('hl7')]).toEqual([['finished', 'withdrawn'], []]);
    });

    it('waits for an exit that is out of the configuration for a while, and is told when it is back', async () => {
      await finish(volume());
      await deliver();
      const late = volume({ part: 'late', report: reportNamed('late') });
      exits = await opened(['hl7']);
      await finish(late);
      await correct(volume(), 66);
      await withdraw(volume());
      await deliver();
      expect([changes('fhir'), changes('hl7')]).toEqual([
        ['finished'],
        ['finished', 'finished', 'corrected', 'withdrawn'],
      ]);
      const rows = await outgoingOfStudy(database, volume().studyInstanceUid);
      expect(rows.filter(({ state }) => state === 'waiting')).toMatchObject([
        { exit: 'fhir', change: 'withdrawn', reason: 'exit fhir is not configured', nextTryAt: undefined },
        { exit: 'fhir', change: 'corrected', reason: 'exit fhir is not configured' },
      ]);
      expect(await exitFigures(database, NOW)).toMatchObject([
        { exit: 'fhir', waiting: 2 },
        { exit: 'hl7', waiting: 0 },
      ]);
      exits = await opened();
      await deliver();
      // Of what it was never told of, it hears nothing.
      expect(changes('fhir')).toEqual(['finished', 'corrected', 'withdrawn']);
    });

    it('is nothing of what is in the history alone', async () => {
      await finish(volume({ historyAlone: true }));
      await deliver();
      expect(taken).toEqual({ fhir: [], hl7: [] });
    });

    it('is what stands in the end, where two changes come at the same moment', async () => {
      if (database.kind === 'embedded') return; // One connection: nothing comes at the same moment.
      await finish(volume());
      const [both, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const rejecting = database.transaction(async (sql) => {
        await recordReview(sql, volume().report.sopInstanceUid, {
          decision: 'rejected',
          reason: '',
          reviewer: 'r',
          reviewedAt: NOW,
        });
        both.resolve();
        await go.promise;
        await announceResult(sql, volume().report.sopInstanceUid, NOW);
      });
      await both.promise;
      const correcting = database.transaction(async (sql) => {
        await recordCorrection(sql, volume().report.sopInstanceUid, {
          volumeMl: 66,
          voxelCount: 10,
          seg: reportNamed('reader'),
          report: reportNamed('corrected'),
          supersedes: volume().report.sopInstanceUid,
          contentDateTime: NOW.toISOString(),
        });
        await announceResult(sql, volume().report.sopInstanceUid, NOW);
        go.resolve();
        // The other one asks for the same result now, and has to wait.
        await waitsForLock(sql);
      });
      await Promise.all([rejecting, correcting]);
      await deliver();
      expect(changes('fhir')).toEqual(['finished', 'corrected', 'withdrawn']);
      expect(taken['fhir']?.at(-1)?.report).toBe('8.corrected');
    });

    it('is not put down where the transaction that changes the result fails', async () => {
      const failing = database.transaction(async (sql) => {
        await recordVolume(sql, volume());
        await announceResult(sql, volume().report.sopInstanceUid, NOW);
        throw new Error('the end');
      });
      await expect(failing).rejects.toThrow('the end');
      expect(await outgoingOfStudy(database, volume().studyInstanceUid)).toEqual([]);
    });
  });

  describe('an exit that is down', () => {
    it('for an hour gets everything afterwards, once and in order, and holds up no other', async () => {
      trouble['hl7'] = new DeliveryError('later', 'nobody there');
      const first = volume();
      const other = measuredVolume('other', '20260101');
      await finish(first);
      await finish(other);
      for (let minute = 0; minute < 60; minute++) {
        if (minute === 20) await correct(first, 60);
        if (minute === 40) await withdraw(first);
        await deliver();
        await pass('1 minute');
      }
      expect(changes('fhir')).toEqual(['finished', 'finished', 'corrected', 'withdrawn']);
      const [waiting] = await outgoingOfStudy(database, first.studyInstanceUid);
      expect(waiting).toMatchObject({ exit: 'hl7', state: 'waiting', tries: 0 });
      const failures = tried.length - 4;
      expect(failures).toBeGreaterThan(4);
      // Pauses grow: minute by minute it would be 60 for each of the two studies.
      expect(failures).toBeLessThan(40);
      trouble = {};
      await pass('1 hour');
      for (const _ of [1, 2, 3]) await deliver();
      const ofFirst = taken['hl7']?.filter((one) => one.studyInstanceUid === first.studyInstanceUid);
      expect(ofFirst?.map(({ change }) => change)).toEqual(['finished', 'corrected', 'withdrawn']);
      expect(taken['hl7']).toHaveLength(4);
      expect(await exitFigures(database, NOW)).toMatchObject([
        { exit: 'fhir', waiting: 0, failed: 0 },
        { exit: 'hl7', waiting: 0, failed: 0 },
      ]);
    });

    it('is tried for as long as it takes: nothing is given up after weeks', async () => {
      exits = await opened(['fhir']);
      trouble['fhir'] = new Error('ECONNREFUSED');
      await finish(volume());
      for (let count = 0; count < 40; count++) {
        await deliver();
        await pass('1 day');
      }
      expect(tried).toHaveLength(40);
      trouble = {};
      await deliver();
      expect(changes()).toEqual(['finished']);
    });

    it('gets what it was being sent again, under the same id, where the process ended in the midst', async () => {
      exits = await opened(['fhir']);
      await finish(volume());
      const [exit] = exits;
      await exit?.jobs.make();
      const held = await exit?.jobs.take();
      expect(held).toBeDefined();
      if (database.kind === 'server') {
        await pass('10 minutes');
        await engine.boss.supervise('exit-fhir');
        await pass('1 hour');
      } else exits = await opened(['fhir']);
      await deliver();
      await deliver();
      expect(changes()).toEqual(['finished']);
    });
  });

  describe('a message that is refused', () => {
    const refuseFirst = async (): Promise<void> => {
      exits = await opened(['fhir']);
      trouble['fhir'] = new DeliveryError('refused', 'no');
      await finish(volume());
      await deliver();
    };

    it('is shown with the answer’s words, does not hold up what comes after it, and is sent again on demand', async () => {
      exits = await opened(['fhir']);
      const other = volume({ part: 'other', report: reportNamed('other') });
      trouble['fhir'] = new DeliveryError('refused', 'answered 422: no such patient\0');
      await finish(volume());
      await deliver();
      trouble = {};
      await finish(other);
      await deliver();
      expect(taken['fhir']?.map(({ report }) => report)).toEqual([other.report.sopInstanceUid]);
      const [, refused] = await outgoingOfStudy(database, volume().studyInstanceUid);
      expect(refused).toMatchObject({ state: 'failed', tries: 1, reason: 'answered 422: no such patient' });
      await deliver();
      expect(tried).toHaveLength(2);
      expect(
        await resendFailed(database, { exit: 'fhir', studyInstanceUid: volume().studyInstanceUid }),
      ).toBe(1);
      await deliver();
      expect(changes()).toEqual(['finished', 'finished']);
      expect(tried[2]).toBe(tried[0]);
    });

    it('is not sent again where a later one about the same result was taken: it would undo it', async () => {
      await refuseFirst();
      trouble = {};
      await withdraw(volume());
      await deliver();
      expect(changes()).toEqual(['withdrawn']);
      expect(await resendFailed(database, {})).toBe(0);
      await deliver();
      expect(changes()).toEqual(['withdrawn']);
      const [, first] = await outgoingOfStudy(database, volume().studyInstanceUid);
      expect(first).toMatchObject({ state: 'overtaken', tries: 1, reason: expect.stringContaining('later') });
      expect(await unsent(database, 10)).toEqual([]);
    });

    it('nor where it is asked for while a later one is being sent', async () => {
      await refuseFirst();
      trouble = {};
      await withdraw(volume());
      during = async () => {
        during = undefined;
        await resendFailed(database, {});
      };
      await deliver();
      await deliver();
      expect(changes()).toEqual(['withdrawn']);
      expect((await outgoingOfStudy(database, volume().studyInstanceUid)).map(({ state }) => state)).toEqual([
        'sent',
        'overtaken',
      ]);
    });

    it('nor where nobody knows whether a later one has come to the receiver', async () => {
      await refuseFirst();
      await withdraw(volume());
      trouble['fhir'] = new DeliveryError('later', 'no acknowledgment');
      await deliver();
      // It may wait again by another way, too.
      expect(await resendFailed(database, {})).toBe(0);
      await database.query(`UPDATE pansegnet.outgoing SET state = 'waiting' WHERE state = 'overtaken'`);
      trouble = {};
      await pass('1 hour');
      await deliver();
      expect(changes()).toEqual(['withdrawn']);
    });

    it('takes along what was refused after it of the same result, in order', async () => {
      await refuseFirst();
      await withdraw(volume());
      await deliver();
      trouble = {};
      const [, first] = await outgoingOfStudy(database, volume().studyInstanceUid);
      expect(await resendFailed(database, { id: first?.id })).toBe(2);
      await deliver();
      expect(changes()).toEqual(['finished', 'withdrawn']);
    });

    it('without saying that it always will be is tried for more than a day, then counts as refused', async () => {
      exits = await opened(['fhir']);
      trouble['fhir'] = new DeliveryError('unwilling', 'AE: database locked');
      await finish(volume());
      // As long as the pauses grow, an hour is more than one; then it is two.
      for (let hour = 0; hour < 24; hour++) {
        for (const half of ['31 minutes', '31 minutes']) {
          await deliver();
          await pass(half);
        }
      }
      const waiting = async () => (await outgoingOfStudy(database, volume().studyInstanceUid))[0];
      expect(await waiting()).toMatchObject({ state: 'waiting', reason: 'AE: database locked' });
      for (let count = 0; count < 60; count++) {
        await deliver();
        await pass('1 day');
      }
      expect(await waiting()).toMatchObject({ state: 'failed', reason: 'AE: database locked' });
      expect(tried).toHaveLength(refusalsAllowed(PAUSES));
    });
  });

  it('a receiver that says how long to wait is left alone for so long', async () => {
    exits = await opened(['fhir']);
    trouble['fhir'] = new DeliveryError('later', 'busy', { pauseMs: 3_600_000 });
    await finish(volume());
    await deliver();
    await pass('50 minutes');
    await deliver();
    expect(tried).toHaveLength(1);
    const [waiting] = await outgoingOfStudy(database, volume().studyInstanceUid);
    expect(waiting?.nextTryAt?.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    await pass('15 minutes');
    await deliver();
    expect(tried).toHaveLength(2);
  });
}
