import type { Database } from '../database/sql.ts';
import { markEnded, markRunning, markWaiting } from '../records/study-log.ts';
import type { StudyJob, StudyQueue } from './queue.ts';

/** Works on queued studies, and keeps the study log in step: running, then what `run` says, or failed and why. */
export async function workOnStudies(parts: {
  readonly database: Database;
  readonly queue: StudyQueue;
  /** The whole work on one study; ends with `finishRun`. Must stop soon after `signal` aborts. */
  readonly run: (job: StudyJob, signal: AbortSignal) => Promise<void>;
  readonly concurrency: number;
  readonly now: () => Date;
  readonly log: { readonly warn: (fields: object, message: string) => void };
  /** Told when the work on a study is over: done, skipped or failed for good. */
  readonly ended?: (studyInstanceUid: string) => void;
}): Promise<void> {
  const { database, queue, run, concurrency, now, log, ended } = parts;
  await queue.work({
    concurrency,
    work: async (job, signal) => {
      await markRunning(database, { studyInstanceUid: job.studyInstanceUid, now: now() });
      await run(job, signal);
      ended?.(job.studyInstanceUid);
    },
    failed: async ({ studyInstanceUid }, { code, reason }, again) => {
      log.warn(
        { studyInstanceUid, code, reason, again },
        again ? 'study failed, will be tried again' : 'study failed',
      );
      if (again) {
        await markWaiting(database, { studyInstanceUid, reason, errorCode: code, now: now() });
        return;
      }
      const end = { studyInstanceUid, state: 'failed', reason, errorCode: code, now: now() } as const;
      await markEnded(database, end);
      ended?.(studyInstanceUid);
    },
  });
}
