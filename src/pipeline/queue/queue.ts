import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Db, type JobResult, type JobWithMetadata, PgBoss } from 'pg-boss';
import { z } from 'zod';
import type { Database, Sql } from '../database/sql.ts';
import { PipelineError } from '../errors.ts';
import { describeFailure, type Failure } from './failures.ts';

const QUEUE = 'study';
/** Where jobs end that failed for good. */
const DEAD_LETTER_QUEUE = 'study-dead';

/** Why a study is in the queue. */
const STUDY_REASONS = ['watched', 'received', 'notified', 'requested'] as const;

const studyJobSchema = z.object({
  studyInstanceUid: z.string().min(1),
  reason: z.enum(STUDY_REASONS),
  /** Tells a wish to process a study again from the study's arrival: see `beginRun`. Kept over restarts and retries. */
  requestId: z.string(),
  /** How often a process died with this job in its hands. */
  takeovers: z.int().nonnegative(),
});
export type StudyJob = z.infer<typeof studyJobSchema>;
export type StudyRequest = Pick<StudyJob, 'studyInstanceUid' | 'reason'>;

/** The request id of every arrival: the same counts that arrive by two ways are one run. */
const ARRIVAL = 'arrival';

export interface QueueOptions {
  /** How often a passing failure is tried again. */
  readonly retryLimit: number;
  /** Pause before the first retry; it doubles each time, with jitter, up to `retryDelayMaxSeconds`. */
  readonly retryDelaySeconds: number;
  readonly retryDelayMaxSeconds: number;
  /** At least 0.5. Jobs added by the same process are taken at once, whatever it says. */
  readonly pollingSeconds: number;
  /** Longest time that work on one study may take; at most 24 hours. */
  readonly jobTimeoutSeconds: number;
  /** How many processes a study may cost before it is given up. */
  readonly takeoverLimit: number;
  /** Told of trouble with the database underneath; the queue goes on trying. */
  readonly onError: (error: Error) => void;
}

const QUEUE_DEFAULTS = {
  retryLimit: 8,
  retryDelaySeconds: 30,
  retryDelayMaxSeconds: 1_800,
  pollingSeconds: 2,
  jobTimeoutSeconds: 4 * 3_600,
  takeoverLimit: 10,
} as const;

/** Waiting jobs are never thrown away: pg-boss would do so after two weeks, and an archive may be down for long. */
const RETENTION_SECONDS = 10 * 365 * 24 * 3_600;

/** On a server, a worker that says nothing for so long is dead and its job goes to another. */
const HEARTBEAT_SECONDS = 60;

/** How often `drained` looks; a look takes a few milliseconds. */
const DRAIN_LOOK_MS = 100;

export interface Worker {
  /** Does the work; rejecting means failure, by the table of failures. Must stop soon after `signal` aborts. */
  readonly work: (job: StudyJob, signal: AbortSignal) => Promise<void>;
  /** Told of each failure before the job is settled, so that no failure is lost; `again`: it will be retried. */
  readonly failed: (job: StudyJob, failure: Failure, again: boolean) => Promise<void>;
  readonly concurrency: number;
}

const countsRow = z.object({ waiting: z.int(), active: z.int(), dead: z.int() });
export type QueueCounts = z.infer<typeof countsRow>;

const orphanRow = z.object({
  id: z.string(),
  data: z.unknown(),
  priority: z.int(),
  retry_limit: z.int(),
  retry_count: z.int(),
});

/** The studies that wait to be processed. Every job may run twice, none is forgotten. */
export class StudyQueue {
  readonly #boss: PgBoss;
  readonly #database: Database;
  readonly #options: QueueOptions;
  readonly #stopping = new AbortController();
  #workerId: string | undefined;

  private constructor(boss: PgBoss, database: Database, options: QueueOptions) {
    this.#boss = boss;
    this.#database = database;
    this.#options = options;
  }

  /** Opens the queue. On an embedded database, jobs that were in the hands of a killed process are waiting again. */
  static async open(
    database: Database,
    options: Partial<QueueOptions> & Pick<QueueOptions, 'onError'>,
  ): Promise<StudyQueue> {
    const resolved: QueueOptions = { ...QUEUE_DEFAULTS, ...options };
    const boss = new PgBoss({
      ...database.boss,
      schedule: false,
      registerInstance: false,
      // PGlite has one connection and vacuums itself; rebuilding indexes concurrently is nothing for it.
      reindex: database.kind === 'server',
      monitorVacuum: database.kind === 'server',
    });
    boss.on('error', resolved.onError);
    await boss.start();
    const settings = {
      retryLimit: resolved.retryLimit,
      retryDelay: resolved.retryDelaySeconds,
      retryBackoff: true,
      retryDelayMax: resolved.retryDelayMaxSeconds,
      expireInSeconds: resolved.jobTimeoutSeconds,
      retentionSeconds: RETENTION_SECONDS,
      // In one process a heartbeat could only take a job away from the very process that works on it.
      ...(database.kind === 'server' ? { heartbeatSeconds: HEARTBEAT_SECONDS } : {}),
    };
    await boss.createQueue(DEAD_LETTER_QUEUE, { retentionSeconds: RETENTION_SECONDS });
    // stately: per study one job that waits and one that runs, so what arrives during a run isn't forgotten.
    await boss.createQueue(QUEUE, { ...settings, policy: 'stately', deadLetter: DEAD_LETTER_QUEUE });
    await boss.updateQueue(QUEUE, settings);
    const queue = new StudyQueue(boss, database, resolved);
    if (database.kind === 'embedded') await queue.#takeOver();
    return queue;
  }

  /**
   * Puts a study in the queue, unless it waits there already.
   * @param sql a transaction to do it in; then `wake` after it is committed
   * @returns whether it was put in
   */
  async add({ studyInstanceUid, reason }: StudyRequest, sql?: Sql): Promise<boolean> {
    const requestId = reason === 'requested' ? randomUUID() : ARRIVAL;
    return this.#send({ studyInstanceUid, reason, requestId, takeovers: 0 }, {}, sql);
  }

  /** Looks for work now instead of at the next poll. */
  wake(): void {
    if (this.#workerId !== undefined) this.#boss.notifyWorker(this.#workerId);
  }

  /** Starts working on what is queued. */
  async work(worker: Worker): Promise<void> {
    const options = {
      includeMetadata: true,
      perJobResults: true,
      localConcurrency: worker.concurrency,
      pollingIntervalSeconds: this.#options.pollingSeconds,
    } as const;
    this.#workerId = await this.#boss.work<object, unknown, typeof options>(QUEUE, options, async (jobs) => {
      const settled = await Promise.all(jobs.map((job) => this.#settle(job, worker)));
      // The next job is taken at once, not at the next poll.
      this.wake();
      return settled;
    });
  }

  /** Jobs that wait (for their turn or for a retry), that are worked on, and that failed for good. */
  async counts(): Promise<QueueCounts> {
    const rows = await this.#database.query(
      `SELECT count(*) FILTER (WHERE name = $1 AND state IN ('created', 'retry'))::int AS waiting,
              count(*) FILTER (WHERE name = $1 AND state = 'active')::int AS active,
              count(*) FILTER (WHERE name = $2 AND state IN ('created', 'retry'))::int AS dead
       FROM pgboss.job WHERE name IN ($1, $2)`,
      [QUEUE, DEAD_LETTER_QUEUE],
    );
    return z.tuple([countsRow]).parse(rows)[0];
  }

  /** Resolves when no job waits or runs any more, retries included; rejects when `signal` aborts. */
  async drained(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const { waiting, active } = await this.counts();
      if (waiting + active === 0) return;
      await delay(DRAIN_LOOK_MS, undefined, signal ? { signal } : {});
    }
  }

  /**
   * Stops taking jobs, lets running ones end for `graceMs`, then aborts them and puts them back in the queue.
   * The database stays open.
   */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    const timer = setTimeout(() => this.#stopping.abort(), graceMs);
    await this.#boss.offWork(QUEUE, { wait: true });
    clearTimeout(timer);
    await this.#boss.stop({ close: false, graceful: true });
  }

  async #settle(job: JobWithMetadata, worker: Worker): Promise<JobResult> {
    const study = studyJobSchema.parse(job.data);
    const signal = AbortSignal.any([job.signal, this.#stopping.signal]);
    try {
      if (study.takeovers > this.#options.takeoverLimit) throw crashes(study);
      await worker.work(study, signal);
      return { id: job.id, status: 'completed' };
    } catch (error) {
      if (this.#stopping.signal.aborted) {
        await this.#putBack(job, study);
        return { id: job.id, status: 'completed' };
      }
      const failure = describeFailure(job.signal.aborted ? this.#timeout(error) : error);
      const again = failure.passing && job.retryCount < job.retryLimit;
      await worker.failed(study, failure, again);
      return { id: job.id, status: again ? 'failed' : 'deadletter', output: failure };
    }
  }

  #timeout(cause: unknown): PipelineError {
    const limit = this.#options.jobTimeoutSeconds;
    return new PipelineError('STUDY_TIMEOUT', `the work was cut off; it may take ${limit} s`, { cause });
  }

  async #send(
    job: StudyJob,
    options: { readonly priority?: number; readonly retryLimit?: number },
    sql?: Sql,
  ): Promise<boolean> {
    const id = await this.#boss.send(QUEUE, job, {
      ...options,
      singletonKey: job.studyInstanceUid,
      ...(sql ? { db: bossOn(sql) } : {}),
    });
    if (!sql) this.wake();
    return id !== null;
  }

  /** An embedded database has one process: whatever is active when it starts belonged to one that died. */
  async #takeOver(): Promise<void> {
    const rows = await this.#database.query(
      `SELECT id, data, priority, retry_limit, retry_count FROM pgboss.job WHERE name = $1 AND state = 'active'`,
      [QUEUE],
    );
    for (const orphan of z.array(orphanRow).parse(rows)) {
      const study = studyJobSchema.parse(orphan.data);
      await this.#putBack(
        { ...orphan, retryLimit: orphan.retry_limit, retryCount: orphan.retry_count },
        { ...study, takeovers: study.takeovers + 1 },
      );
    }
  }

  /** Makes an active job a waiting one, without a pause and without counting it as a failure. */
  async #putBack(
    job: Pick<JobWithMetadata, 'id' | 'priority' | 'retryLimit' | 'retryCount'>,
    study: StudyJob,
  ): Promise<void> {
    await this.#database.transaction(async (sql) => {
      await this.#boss.deleteJob(QUEUE, job.id, { db: bossOn(sql) });
      const retryLimit = Math.max(0, job.retryLimit - job.retryCount);
      await this.#send(study, { priority: job.priority, retryLimit }, sql);
    });
  }
}

function crashes({ studyInstanceUid, takeovers }: StudyJob): PipelineError {
  return new PipelineError(
    'STUDY_CRASHES',
    `study ${studyInstanceUid}: ${takeovers} processes ended while they worked on it`,
  );
}

/** pg-boss's view of a transaction. */
function bossOn(sql: Sql): Db {
  return { executeSql: async (text, values) => ({ rows: await sql.query(text, values) }) };
}
