import { describe, expect, it } from 'vitest';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { requestStudy } from '../../src/queue/request-study.ts';
import { workOnStudies } from '../../src/queue/study-worker.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { findStudy, lookAtStudy } from '../../src/store/records/study-log.ts';
import { PATIENCE } from './patience.ts';
import { diarist, door, LASTING, now, PASSING, queueBench } from './queue-bench.ts';

const ALL = { limit: 100, offset: 0 };

/** How people steer the queue and see what it gave up, wherever its jobs are kept. */
export function queueControlBehaviour(open: () => Promise<Database>): void {
  const { database, openQueue, pauseBeforeRetry } = queueBench(open);

  describe('what goes first', () => {
    it('is what a person asked for, then what arrived, then what the archive held before', async () => {
      const queue = await openQueue();
      await queue.add({ studyInstanceUid: 'old', reason: 'watched', urgency: 'backlog' });
      await queue.add({ studyInstanceUid: 'new', reason: 'watched' });
      await queue.add({ studyInstanceUid: 'asked', reason: 'requested' });
      const { worker, jobs } = diarist(async () => undefined);
      queue.work(worker);
      await queue.drained();
      expect(jobs.map(({ studyInstanceUid }) => studyInstanceUid)).toEqual(['asked', 'new', 'old']);
    });

    it('can change: a waiting study moves forward when a person asks for it', async () => {
      const queue = await openQueue();
      await queue.add({ studyInstanceUid: 'new', reason: 'watched' });
      await queue.add({ studyInstanceUid: 'old', reason: 'watched', urgency: 'backlog' });
      expect(await queue.add({ studyInstanceUid: 'old', reason: 'requested' })).toBe(false);
      const { worker, jobs } = diarist(async () => undefined);
      queue.work(worker);
      await queue.drained();
      expect(jobs.map(({ studyInstanceUid }) => studyInstanceUid)).toEqual(['old', 'new']);
    });

    it('is a study in its pause before a retry, when a person asks for it', async () => {
      const queue = await openQueue({ retryDelaySeconds: 600, retryDelayMaxSeconds: 600 });
      let tries = 0;
      const { worker, diary } = diarist(async () => {
        tries += 1;
        if (tries === 1) throw PASSING;
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      await expect.poll(pauseBeforeRetry, PATIENCE).toBeGreaterThan(60);
      await queue.add({ studyInstanceUid: 'a', reason: 'requested' });
      await queue.drained();
      expect(diary).toEqual(['begin a', 'a DICOM_WEB_UNREACHABLE again', 'begin a', 'end a']);
    });
  });

  it('a pause that the archive asks for is waited, where it is longer than the own one', async () => {
    const queue = await openQueue({ retryDelaySeconds: 30, retryDelayMaxSeconds: 60 });
    const { worker } = diarist(async () => {
      throw new DicomWebStatusError('http://archive', 429, '900');
    });
    await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
    queue.work(worker);
    await expect.poll(pauseBeforeRetry, PATIENCE).toBeGreaterThan(800);
    expect(await pauseBeforeRetry()).toBeLessThanOrEqual(900);
  });

  describe('a study that was given up', () => {
    it('is listed with code, reason and number of tries, the latest first', async () => {
      const queue = await openQueue({ retryLimit: 1 });
      const { worker } = diarist(async ({ studyInstanceUid }) => {
        throw studyInstanceUid === 'a' ? PASSING : LASTING;
      });
      await queue.add({ studyInstanceUid: 'b', reason: 'watched' });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      await queue.drained();
      expect(await queue.dead(ALL)).toEqual([
        {
          studyInstanceUid: 'a',
          code: 'DICOM_WEB_UNREACHABLE',
          reason: 'the archive did not answer: connection refused',
          failedAt: expect.any(Date),
          tries: 2,
        },
        expect.objectContaining({ studyInstanceUid: 'b', code: 'DICOM_GEOMETRY', tries: 1 }),
      ]);
      expect(await queue.dead({ limit: 1, offset: 1 })).toMatchObject([{ studyInstanceUid: 'b' }]);
    });

    it('goes back into the queue as the same request, and leaves the list', async () => {
      const queue = await openQueue({ retryLimit: 0 });
      let isBroken = true;
      const { worker, diary, jobs } = diarist(async () => {
        if (isBroken) throw LASTING;
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'requested' });
      queue.work(worker);
      await queue.drained();
      isBroken = false;
      expect(await database().transaction((sql) => queue.requeue('a', sql))).toBe(true);
      queue.wake();
      await queue.drained();
      expect(diary).toEqual(['begin a', 'a DICOM_GEOMETRY for good', 'begin a', 'end a']);
      expect(jobs[1]).toEqual(jobs[0]);
      expect(await queue.dead(ALL)).toEqual([]);
      expect(await database().transaction((sql) => queue.requeue('a', sql))).toBe(false);
    });

    it('can be dropped; the study log still says that it failed', async () => {
      const queue = await openQueue({ retryLimit: 0 });
      await requestStudy(
        { database: database(), queue },
        { studyInstanceUid: 'd', reason: 'notified', now: now() },
      );
      workOnStudies({
        database: database(),
        queue,
        concurrency: 1,
        now,
        log: { warn: () => undefined },
        run: () => Promise.reject(LASTING),
      });
      await queue.drained();
      expect(await queue.drop('d')).toBe(true);
      expect(await queue.drop('d')).toBe(false);
      expect(await queue.dead(ALL)).toEqual([]);
      expect(await findStudy(database(), 'd')).toMatchObject({
        state: 'failed',
        errorCode: 'DICOM_GEOMETRY',
      });
    });

    it('is listed once, however often it is given up, and not at all once it went well', async () => {
      const queue = await openQueue({ retryLimit: 0 });
      let tries = 0;
      const { worker } = diarist(async () => {
        tries += 1;
        if (tries < 3) throw LASTING;
      });
      queue.work(worker);
      const listed: number[] = [];
      for (let arrival = 0; arrival < 3; arrival++) {
        await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
        await queue.drained();
        listed.push((await queue.dead(ALL)).length);
      }
      expect(listed).toEqual([1, 1, 0]);
    });
  });

  describe('a paused queue', () => {
    it('begins nothing more, finishes what is running, and goes on when it is resumed', async () => {
      const queue = await openQueue();
      const [begun, mayEnd] = [door(), door()];
      const { worker, diary } = diarist(async () => {
        begun.open();
        await mayEnd.opened;
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      await begun.opened;
      await queue.setMode('paused');
      await queue.add({ studyInstanceUid: 'b', reason: 'requested' });
      mayEnd.open();
      await expect.poll(() => queue.counts(), PATIENCE).toEqual({ waiting: 1, active: 0, dead: 0 });
      expect(diary).toEqual(['begin a', 'end a']);
      await queue.setMode('running');
      await queue.drained();
      expect(diary).toEqual(['begin a', 'end a', 'begin b', 'end b']);
    });

    it('is paused for all processes, and after a restart', async () => {
      const [first, second] = [await openQueue(), await openQueue()];
      await first.setMode('paused');
      const { worker, diary } = diarist(async () => undefined);
      second.work(worker);
      await second.add({ studyInstanceUid: 'a', reason: 'watched' });
      expect(await second.mode()).toBe('paused');
      await first.setMode('running');
      await second.drained();
      expect(diary).toEqual(['begin a', 'end a']);
    });
  });

  it('a draining queue works off what waits, and lets nothing in but what a person asks for', async () => {
    const queue = await openQueue();
    const parts = { database: database(), queue };
    await queue.add({ studyInstanceUid: 'before', reason: 'watched' });
    await queue.setMode('draining');
    const fingerprint = 'f';
    await lookAtStudy(database(), { studyInstanceUid: 'later', fingerprint, now: now() });
    const later = { studyInstanceUid: 'later', reason: 'watched', fingerprint } as const;
    expect(await requestStudy(parts, { ...later, now: now() })).toBe(false);
    const asked = { studyInstanceUid: 'asked', reason: 'requested', now: now() } as const;
    expect(await requestStudy(parts, asked)).toBe(true);
    const { worker, jobs } = diarist(async () => undefined);
    queue.work(worker);
    await queue.drained();
    expect(jobs.map(({ studyInstanceUid }) => studyInstanceUid)).toEqual(['asked', 'before']);
    const look = await lookAtStudy(database(), { studyInstanceUid: 'later', fingerprint, now: now() });
    expect(look.settled).toBe(false);
    await queue.setMode('running');
    expect(await requestStudy(parts, { ...later, now: now() })).toBe(true);
  });

  it('two looks that found the same counts queue the study once, even where the first was worked off between', async () => {
    const queue = await openQueue();
    const parts = { database: database(), queue };
    const request = { studyInstanceUid: 'twice', reason: 'watched', fingerprint: 'f' } as const;
    await lookAtStudy(database(), { ...request, now: now() });
    expect(await requestStudy(parts, { ...request, now: now() })).toBe(true);
    const { worker } = diarist(async () => undefined);
    queue.work(worker);
    await queue.drained();
    expect(await requestStudy(parts, { ...request, now: now() })).toBe(false);
    expect(await requestStudy(parts, { ...request, fingerprint: 'g', now: now() })).toBe(true);
  });
}
