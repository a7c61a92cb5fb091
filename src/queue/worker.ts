import type { Failure } from '../pipeline/failures.ts';
import type { Sql } from '../store/database/sql.ts';
import type { StudyJob } from './study-job.ts';

/** How the work on a study fits in with that on others. */
interface StudyTurn {
  /** To be awaited before what only `concurrency` studies do at a time. */
  readonly begin: () => Promise<void>;
  /** The work ends soon: the next study may be prepared. */
  readonly nearlyOver: () => void;
}

/** What is done with the studies that the queue gives out. */
export interface Worker {
  /**
   * Does the work; rejecting means failure, by the table of failures. Must stop soon after `signal` aborts.
   */
  readonly work: (job: StudyJob, signal: AbortSignal, turn: StudyTurn) => Promise<void>;
  /** Told of each failure, in the transaction that settles the job; `again`: it will be retried. */
  readonly failed: (job: StudyJob, failure: Failure, again: boolean, sql: Sql) => Promise<void>;
  /** Told when the work on a study is over: done, skipped or failed for good. */
  readonly ended?: ((studyInstanceUid: string) => void) | undefined;
  readonly concurrency: number;
  /** Whether work behind the others may be begun now; left out: it may. */
  readonly mayBeginBehind?: (() => Promise<boolean>) | undefined;
}
