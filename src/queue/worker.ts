import type { Failure } from '../pipeline/failures.ts';
import type { Sql } from '../store/database/sql.ts';
import type { StudyJob } from './study-job.ts';

/** What is done with the studies that the queue gives out. */
export interface Worker {
  /**
   * Does the work; rejecting means failure, by the table of failures. Must stop soon after `signal` aborts.
   */
  readonly work: (job: StudyJob, signal: AbortSignal) => Promise<void>;
  /** Told of each failure, in the transaction that settles the job; `again`: it will be retried. */
  readonly failed: (job: StudyJob, failure: Failure, again: boolean, sql: Sql) => Promise<void>;
  /** Told when the work on a study is over: done, skipped or failed for good. */
  readonly ended?: ((studyInstanceUid: string) => void) | undefined;
  readonly concurrency: number;
}
