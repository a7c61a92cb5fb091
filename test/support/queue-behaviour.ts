import { describe, expect, it } from 'vitest';
import { requestStudy } from '../../src/queue/request-study.ts';
import { workOnStudies } from '../../src/queue/study-worker.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { beginRun, finishRun } from '../../src/store/records/run-log.ts';
import { findStudy } from '../../src/store/records/study-log.ts';
import { PATIENCE } from './patience.ts';
import { diarist, door, LASTING, now, PASSING, queueBench, untilAborted } from './queue-bench.ts';

/** The pause is read some time after it began. */
const LATENESS_SECONDS = 15;

/**
 * Says nothing for so long that others take it for dead; on an embedded database, opening the next queue says
 * that.
 */
const SILENT = { heartbeatSeconds: 3_600 };

/** What the queue does, wherever its jobs are kept. */
export function queueBehaviour(open: () => Promise<Database>): void {
  const { database, openQueue, pauseBeforeRetry } = queueBench(open);

  describe('the queue', () => {
    it('gives each study to the worker once, in the order of their coming', async () => {
      const queue = await openQueue();
      for (const study of ['a', 'b', 'c']) await queue.add({ studyInstanceUid: study, reason: 'watched' });
      const { worker, diary } = diarist(async () => undefined);
      queue.work(worker);
      await queue.drained();
      expect(diary).toEqual(['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c']);
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
    });

    it('does not take a study that waits there already', async () => {
      const queue = await openQueue();
      expect(await queue.add({ studyInstanceUid: 'a', reason: 'watched' })).toBe(true);
      expect(await queue.add({ studyInstanceUid: 'a', reason: 'notified' })).toBe(false);
      expect(await queue.add({ studyInstanceUid: 'b', reason: 'watched' })).toBe(true);
      expect(await queue.counts()).toMatchObject({ waiting: 2 });
    });

    it('takes a study that is worked on, and gives it out when that work has ended, not before', async () => {
      const queue = await openQueue();
      const [begun, mayEnd] = [door(), door()];
      const { worker, diary } = diarist(async ({ studyInstanceUid }) => {
        if (studyInstanceUid === 'other') mayEnd.open();
        begun.open();
        await mayEnd.opened;
      }, 2);
      queue.work(worker);
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      await begun.opened;
      expect(await queue.add({ studyInstanceUid: 'a', reason: 'watched' })).toBe(true);
      // The second hand is free and takes this one, which came later than the second turn of a.
      await queue.add({ studyInstanceUid: 'other', reason: 'watched' });
      await queue.drained();
      expect(diary.filter((entry) => entry.endsWith(' a'))).toEqual(['begin a', 'end a', 'begin a', 'end a']);
      expect(diary.slice(0, 2)).toEqual(['begin a', 'begin other']);
    });

    it('tells a study that is asked for from one that arrived', async () => {
      const queue = await openQueue();
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      await queue.add({ studyInstanceUid: 'b', reason: 'notified' });
      await queue.add({ studyInstanceUid: 'c', reason: 'requested' });
      await queue.add({ studyInstanceUid: 'd', reason: 'requested' });
      const { worker, jobs } = diarist(async () => undefined);
      queue.work(worker);
      await queue.drained();
      const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(
        (study) => jobs.find(({ studyInstanceUid }) => studyInstanceUid === study)?.requestId,
      );
      expect(a).toBe(b);
      expect(new Set([a, c, d]).size).toBe(3);
    });
  });

  describe('a failure', () => {
    it('that may pass is tried again, up to the limit, and then given up', async () => {
      const queue = await openQueue({ retryLimit: 2 });
      const { worker, diary } = diarist(() => Promise.reject(PASSING));
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      await queue.drained();
      const [again, forGood] = ['a DICOM_WEB_UNREACHABLE again', 'a DICOM_WEB_UNREACHABLE for good'];
      expect(diary).toEqual(['begin a', again, 'begin a', again, 'begin a', forGood]);
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0, dead: 1 });
    });

    it('that lasts is not tried again, and other studies go on', async () => {
      const queue = await openQueue({ retryLimit: 5 });
      const { worker, diary } = diarist(async ({ studyInstanceUid }) => {
        if (studyInstanceUid === 'a') throw LASTING;
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      await queue.add({ studyInstanceUid: 'b', reason: 'watched' });
      queue.work(worker);
      await queue.drained();
      expect(diary).toEqual(['begin a', 'a DICOM_GEOMETRY for good', 'begin b', 'end b']);
      expect(await queue.counts()).toMatchObject({ dead: 1 });
    });

    it('is followed by a pause that grows, with jitter', async () => {
      const queue = await openQueue({ retryDelaySeconds: 30, retryDelayMaxSeconds: 3_600 });
      const tried = [door(), door()];
      let turn = 0;
      const { worker } = diarist(async () => {
        tried[turn++]?.open();
        throw PASSING;
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      const pauses: number[] = [];
      for (const { opened } of tried) {
        await opened;
        pauses.push(await expect.poll(pauseBeforeRetry, PATIENCE).toBeGreaterThan(0).then(pauseBeforeRetry));
        await database().query('UPDATE pgboss.job SET start_after = now()');
        queue.wake();
      }
      const [first = 0, second = 0] = pauses;
      expect(first).toBeGreaterThan(30 - LATENESS_SECONDS);
      expect(first).toBeLessThanOrEqual(60);
      expect(second).toBeGreaterThan(60 - LATENESS_SECONDS);
      expect(second).toBeLessThanOrEqual(120);
    });

    it('is also work that takes longer than it may; its signal tells it to stop', async () => {
      const queue = await openQueue({ jobTimeoutSeconds: 1, retryLimit: 0 });
      const { worker, diary } = diarist((_job, signal) => untilAborted(signal));
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      await queue.drained();
      await expect.poll(() => diary, PATIENCE).toEqual(['begin a', 'a STUDY_TIMEOUT for good']);
    });
  });

  describe('stopping', () => {
    it('lets work end that ends within the grace', async () => {
      const queue = await openQueue();
      const [begun, mayEnd] = [door(), door()];
      const { worker, diary } = diarist(async () => {
        begun.open();
        await mayEnd.opened;
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      await queue.add({ studyInstanceUid: 'b', reason: 'watched' });
      queue.work(worker);
      await begun.opened;
      const stopped = queue.stop({ graceMs: 10_000 });
      mayEnd.open();
      await stopped;
      expect(diary).toEqual(['begin a', 'end a']);
      expect(await (await openQueue()).counts()).toEqual({ waiting: 1, active: 0, dead: 0 });
    });

    it('cuts other work off and puts it back, not as a failure', async () => {
      const queue = await openQueue({ retryLimit: 0 });
      const begun = door();
      const { worker, diary } = diarist((_job, signal) => {
        begun.open();
        return untilAborted(signal);
      });
      await queue.add({ studyInstanceUid: 'a', reason: 'watched' });
      queue.work(worker);
      await begun.opened;
      await queue.stop({ graceMs: 0 });
      expect(diary).toEqual(['begin a']);
      const next = await openQueue({ retryLimit: 0 });
      const second = diarist(async () => undefined);
      next.work(second.worker);
      await next.drained();
      expect(second.diary).toEqual(['begin a', 'end a']);
      expect(second.jobs).toMatchObject([{ takeovers: 0, requestId: 'arrival' }]);
    });
  });

  describe('a study whose worker died', () => {
    it('is given out again at the next start, as the same request', async () => {
      const dead = await openQueue(SILENT);
      const begun = door();
      const first = diarist((_job, signal) => {
        begun.open();
        return untilAborted(signal);
      });
      await dead.add({ studyInstanceUid: 'a', reason: 'requested' });
      dead.work(first.worker);
      await begun.opened;
      const next = await openQueue();
      const second = diarist(async () => undefined);
      next.work(second.worker);
      await expect.poll(() => second.diary, PATIENCE).toEqual(['begin a', 'end a']);
      expect(second.jobs).toEqual([{ ...first.jobs[0], takeovers: 1 }]);
    });

    it('goes behind the others: it may be what ended the worker', async () => {
      const dead = await openQueue(SILENT);
      const begun = door();
      const first = diarist((_job, signal) => {
        begun.open();
        return untilAborted(signal);
      });
      await dead.add({ studyInstanceUid: 'a', reason: 'watched' });
      await dead.add({ studyInstanceUid: 'b', reason: 'watched' });
      dead.work(first.worker);
      await begun.opened;
      const next = await openQueue();
      const second = diarist(async () => undefined);
      await expect.poll(() => next.counts(), PATIENCE).toMatchObject({ waiting: 2, active: 0 });
      next.work(second.worker);
      await expect.poll(() => second.diary, PATIENCE).toEqual(['begin b', 'end b', 'begin a', 'end a']);
    });

    it('is given up when it has cost too many processes', async () => {
      const dead = await openQueue(SILENT);
      const begun = door();
      const first = diarist((_job, signal) => {
        begun.open();
        return untilAborted(signal);
      });
      await dead.add({ studyInstanceUid: 'a', reason: 'watched' });
      dead.work(first.worker);
      await begun.opened;
      const next = await openQueue({ takeoverLimit: 0 });
      const second = diarist(async () => undefined);
      next.work(second.worker);
      await expect.poll(() => second.diary, PATIENCE).toEqual(['a STUDY_CRASHES for good']);
      expect(second.jobs).toEqual([]);
    });
  });

  describe('a request for a study', () => {
    it('is in the queue and in the study log', async () => {
      const queue = await openQueue();
      const request = { studyInstanceUid: 'log.1', reason: 'notified', now: new Date() } as const;
      expect(await requestStudy({ database: database(), queue }, request)).toBe(true);
      expect(await requestStudy({ database: database(), queue }, request)).toBe(false);
      expect(await findStudy(database(), 'log.1')).toMatchObject({ state: 'queued' });
      expect(await queue.counts()).toMatchObject({ waiting: 1 });
    });

    it('is in neither where one of them fails', async () => {
      const queue = await openQueue();
      const request = { studyInstanceUid: 'log.2', reason: 'notified', now: new Date(Number.NaN) } as const;
      // Each database has its own words.
      await expect(requestStudy({ database: database(), queue }, request)).rejects.toThrow(/invalid/i);
      expect(await findStudy(database(), 'log.2')).toBeUndefined();
      expect(await queue.counts()).toMatchObject({ waiting: 0 });
    });

    it('ends as done, or as failed with the reason, in the study log', async () => {
      const queue = await openQueue({ retryLimit: 1 });
      const states: (string | undefined)[] = [];
      for (const studyInstanceUid of ['log.good', 'log.bad', 'log.busy']) {
        await requestStudy(
          { database: database(), queue },
          { studyInstanceUid, reason: 'received', now: now() },
        );
      }
      let busy = true;
      const ended: string[] = [];
      workOnStudies({
        database: database(),
        queue,
        concurrency: 1,
        now,
        log: { warn: () => undefined },
        ended: (study) => void ended.push(study),
        run: async ({ studyInstanceUid, requestId }) => {
          states.push((await findStudy(database(), studyInstanceUid))?.state);
          if (studyInstanceUid === 'log.bad') throw LASTING;
          if (studyInstanceUid === 'log.busy' && busy) {
            busy = false;
            throw PASSING;
          }
          const run = await beginRun(database(), {
            studyInstanceUid,
            fingerprint: 'f',
            requestId,
            now: now(),
          });
          await finishRun(database(), run, { outcome: 'done', now: now() });
        },
      });
      await queue.drained();
      expect(states).toEqual(['running', 'running', 'running', 'running']);
      expect(ended.sort()).toEqual(['log.bad', 'log.busy', 'log.good']);
      expect(await findStudy(database(), 'log.good')).toMatchObject({ state: 'done' });
      expect(await findStudy(database(), 'log.busy')).toMatchObject({ state: 'done', reason: undefined });
      expect(await findStudy(database(), 'log.bad')).toMatchObject({
        state: 'failed',
        errorCode: 'DICOM_GEOMETRY',
        reason: expect.stringContaining('slice 7 is missing'),
      });
    });
  });
}
