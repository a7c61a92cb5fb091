import { afterAll, afterEach, beforeAll } from 'vitest';
import { z } from 'zod';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import type { QueueOptions } from '../../src/queue/queue-options.ts';
import type { StudyJob } from '../../src/queue/study-job.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import type { Worker } from '../../src/queue/worker.ts';
import type { Database } from '../../src/store/database/sql.ts';

export const PASSING = new DicomError('DICOM_WEB_UNREACHABLE', 'connection refused');
export const LASTING = new DicomError('DICOM_GEOMETRY', 'slice 7 is missing');

/** A new database takes seconds to make, more on a machine with other work. */
const DATABASE_MS = 120_000;

export interface QueueBench {
  readonly database: () => Database;
  /** A queue on it that looks often and waits little; it is stopped after the test. */
  readonly openQueue: (options?: Partial<QueueOptions>) => Promise<StudyQueue>;
  /** Seconds until the one job that waits for a retry; 0 where there is none. */
  readonly pauseBeforeRetry: () => Promise<number>;
}

/** A database for the tests of a file, whose queue is empty before each. */
export function queueBench(open: () => Promise<Database>): QueueBench {
  let database: Database | undefined;
  let engines: JobEngine[] = [];
  let queues: StudyQueue[] = [];
  const running = (): Database => {
    if (database) return database;
    throw new Error('the database is there only while tests run');
  };
  beforeAll(async () => {
    database = await open();
  }, DATABASE_MS);
  afterEach(async () => {
    await Promise.all(queues.map((queue) => queue.stop({ graceMs: 0 })));
    await Promise.all(engines.map((engine) => engine.stop()));
    queues = [];
    engines = [];
    await running().query('DELETE FROM pgboss.job');
    await running().query("DELETE FROM pansegnet.setting WHERE name = 'queue-mode'");
  });
  afterAll(() => database?.close());
  return {
    database: running,
    openQueue: async (options = {}) => {
      // Each queue stands for a process.
      const engine = await JobEngine.open(running(), (error) => console.error(error));
      engines.push(engine);
      const queue = await StudyQueue.open(engine, {
        pollingSeconds: 0.2,
        retryDelaySeconds: 1,
        // No pause: the tests look at how often, one of them at how long.
        retryDelayMaxSeconds: 0,
        heartbeatSeconds: 2,
        ...options,
      });
      queues.push(queue);
      return queue;
    },
    pauseBeforeRetry: async () => {
      const rows = await running().query(
        `SELECT extract(epoch FROM start_after - now())::float8 AS pause FROM pgboss.job
         WHERE name = 'study' AND state = 'retry' AND start_after > now()`,
      );
      return z.array(z.object({ pause: z.number() })).parse(rows)[0]?.pause ?? 0;
    },
  };
}

/** A worker that keeps a diary; what it does with a job is told by `work`. */
export function diarist(
  work: Worker['work'],
  concurrency = 1,
): { worker: Worker; diary: string[]; jobs: StudyJob[] } {
  const diary: string[] = [];
  const jobs: StudyJob[] = [];
  const worker: Worker = {
    concurrency,
    work: async (job, signal, turn) => {
      jobs.push(job);
      diary.push(`begin ${job.studyInstanceUid}`);
      await work(job, signal, turn);
      diary.push(`end ${job.studyInstanceUid}`);
    },
    failed: async (job, { code }, again) => {
      diary.push(`${job.studyInstanceUid} ${code} ${again ? 'again' : 'for good'}`);
    },
  };
  return { worker, diary, jobs };
}

/** A door that a test opens. */
export function door(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** Rejects when the signal aborts, as work does that is cut off. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

export const now = (): Date => new Date();
