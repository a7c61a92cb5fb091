import type { Failure } from '../pipeline/failures.ts';
import type { Database } from '../store/database/sql.ts';
import { markEnded, markRunning, markWaiting } from '../store/records/study-log.ts';
import { isBehindOthers } from './study-job.ts';
import type { StudyQueue } from './study-queue.ts';
import type { Worker } from './worker.ts';

/**
 * Works on queued studies, and keeps the study log in step: running, then what `run` says, or failed and why.
 */
export function workOnStudies(parts: {
  readonly database: Database;
  readonly queue: StudyQueue;
  /** The whole work on one study; ends with `finishRun`. Must stop soon after `signal` aborts. */
  readonly run: Worker['work'];
  readonly concurrency: number;
  readonly mayBeginBehind?: Worker['mayBeginBehind'];
  readonly now: () => Date;
  readonly log: { readonly warn: (fields: object, message: string) => void };
  /** Told when the work on a study is over: done, skipped or failed for good. */
  readonly ended?: (studyInstanceUid: string) => void;
  /** Told of each failure; `again`: the study will be tried again. */
  readonly onFailure?: (failure: Failure, again: boolean) => void;
}): void {
  const { database, queue, run, concurrency, mayBeginBehind, now, log, ended, onFailure } = parts;
  queue.work({
    concurrency,
    mayBeginBehind,
    ended,
    work: async (job, signal, turn) => {
      if (job.reason !== 'remeasured') {
        await markRunning(database, { studyInstanceUid: job.studyInstanceUid, now: now() });
      }
      // What nobody waits for makes room until its end: a study that was begun beside it would wait for it.
      const isBehind = isBehindOthers(job.reason);
      await run(job, signal, isBehind ? { ...turn, nearlyOver: () => undefined } : turn);
    },
    failed: async ({ studyInstanceUid, reason: why }, failure, again, sql) => {
      const { code, reason } = failure;
      onFailure?.(failure, again);
      log.warn(
        { studyInstanceUid, code, reason, again },
        again ? 'study failed, will be tried again' : 'study failed',
      );
      // What is measured again is done, whatever becomes of that.
      if (why === 'remeasured') return;
      if (again) {
        await markWaiting(sql, { studyInstanceUid, reason, errorCode: code, now: now() });
        return;
      }
      const end = { studyInstanceUid, state: 'failed', reason, errorCode: code, now: now() } as const;
      await markEnded(sql, end);
    },
  });
}
