import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';
import { z } from 'zod';
import type { Database, Sql } from '../store/database/sql.ts';
import { bossOn, type ClaimedJob, claimedJob, dropDead, takeOver } from './claimed-job.ts';
import { type DeadStudy, deadStudies, findDead } from './dead-studies.ts';
import { type QueueMode, queueMode, setQueueMode } from './queue-mode.ts';
import { DEAD_LETTER_QUEUE, QUEUE } from './queue-names.ts';
import { QUEUE_DEFAULTS, type QueueOptions } from './queue-options.ts';
import { RunningJob } from './running-job.ts';
import { priorityOf, type StudyJob, type StudyRequest } from './study-job.ts';
import { WorkLoop } from './work-loop.ts';
import type { Worker } from './worker.ts';

/** The request id of every arrival: the same counts that arrive by two ways are one run. */
const ARRIVAL = 'arrival';

/** Waiting jobs are never thrown away: pg-boss would do so after two weeks, and an archive may be down for long. */
const RETENTION_SECONDS = 10 * 365 * 24 * 3_600;

/** The longest that pg-boss knows. The node's own limit comes first; this one is for a process that forgot its job. */
const EXPIRE_SECONDS = 24 * 3_600 - 1;

/** How many looks for dead workers fall into the time after which one is dead. */
const LOOKS_PER_SILENCE = 4;

/** How often `drained` looks; a look takes a few milliseconds. */
const DRAIN_LOOK_MS = 100;

const countsRow = z.object({ waiting: z.int(), active: z.int(), dead: z.int() });
export type QueueCounts = z.infer<typeof countsRow>;

/** The studies that wait to be processed. Every job may run twice, none is forgotten. */
export class StudyQueue {
  readonly #boss: PgBoss;
  readonly #database: Database;
  readonly #options: QueueOptions;
  readonly #stopping = new AbortController();
  #loop: WorkLoop<ClaimedJob> | undefined;
  #looks: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(boss: PgBoss, database: Database, options: QueueOptions) {
    this.#boss = boss;
    this.#database = database;
    this.#options = options;
  }

  /**
   * Opens the queue. Jobs that were in the hands of a process that died are waiting again: at once on an embedded
   * database, which has one process; on a server, whose processes look after each other, when it has been silent for long.
   */
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
    const settings = {
      retryLimit: resolved.retryLimit,
      retryDelay: resolved.retryDelaySeconds,
      retryBackoff: true,
      retryDelayMax: resolved.retryDelayMaxSeconds,
      expireInSeconds: EXPIRE_SECONDS,
      retentionSeconds: RETENTION_SECONDS,
      // pg-boss would count a lost process as a failure of the study; `takeOver` doesn't.
      heartbeatSeconds: null,
    };
    await oneAfterAnother(database, async () => {
      await boss.start();
      await boss.createQueue(DEAD_LETTER_QUEUE, { retentionSeconds: RETENTION_SECONDS });
      // stately: per study one job that waits and one that runs, so what arrives during a run isn't forgotten.
      await boss.createQueue(QUEUE, { policy: 'stately', deadLetter: DEAD_LETTER_QUEUE });
      await boss.updateQueue(QUEUE, settings);
    });
    const queue = new StudyQueue(boss, database, resolved);
    if (database.kind === 'embedded') await queue.#takeOver(0);
    else queue.#looks = queue.#lookAfterOthers();
    return queue;
  }

  /**
   * Puts a study in the queue, unless it waits there already: then what is more urgent moves it forward.
   * @param sql a transaction to do it in; then `wake` after it is committed
   * @returns whether it was put in
   */
  async add(request: StudyRequest, sql?: Sql): Promise<boolean> {
    const { studyInstanceUid, reason } = request;
    const requestId = reason === 'requested' ? randomUUID() : ARRIVAL;
    return this.#send({ studyInstanceUid, reason, requestId, takeovers: 0 }, priorityOf(request), sql);
  }

  /** Looks for work now instead of at the next poll. */
  wake(): void {
    this.#loop?.wake();
  }

  /** Starts working on what is queued. */
  work(worker: Worker): void {
    const { pollingSeconds, onError } = this.#options;
    const parts = {
      boss: this.#boss,
      database: this.#database,
      options: this.#options,
      stopping: this.#stopping.signal,
    };
    this.#loop = new WorkLoop<ClaimedJob>({
      take: () => this.#take(),
      work: (job) => new RunningJob(job, worker, parts).run(),
      concurrency: worker.concurrency,
      pollMs: pollingSeconds * 1000,
      onError,
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

  mode(): Promise<QueueMode> {
    return queueMode(this.#database);
  }

  /** Pauses, drains or resumes the work of all processes on this database, for good: see `QUEUE_MODES`. */
  async setMode(mode: QueueMode): Promise<void> {
    await setQueueMode(this.#database, mode);
    this.wake();
  }

  /** The studies that were given up, the latest first. */
  dead(page: { limit: number; offset: number }): Promise<DeadStudy[]> {
    return deadStudies(this.#database, page);
  }

  /**
   * Puts a study that was given up back in the queue, as the same request.
   * @returns false where it is not among those
   */
  async requeue(studyInstanceUid: string, sql: Sql): Promise<boolean> {
    const job = await findDead(sql, studyInstanceUid);
    if (!job) return false;
    await this.#send({ ...job, takeovers: 0 }, priorityOf({ studyInstanceUid, reason: 'requested' }), sql);
    return true;
  }

  /** Takes a study from the list of those given up; the study log still says how it failed. */
  drop(studyInstanceUid: string): Promise<boolean> {
    return dropDead(this.#database, studyInstanceUid);
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
   * The database stays open. Stopping once more waits for the first stop.
   */
  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#stopping.abort(), graceMs);
    await this.#loop?.stop();
    clearTimeout(timer);
    this.#stopping.abort();
    await this.#looks;
    await this.#boss.stop({ close: false, graceful: true });
  }

  async #take(): Promise<ClaimedJob | undefined> {
    if ((await this.mode()) === 'paused') return undefined;
    const [job] = await this.#boss.fetch<object>(QUEUE, { includeMetadata: true });
    return job && claimedJob(job);
  }

  async #send(job: StudyJob, priority: number, sql?: Sql): Promise<boolean> {
    if (!sql) {
      const isNew = await this.#database.transaction((transaction) => this.#send(job, priority, transaction));
      this.wake();
      return isNew;
    }
    const waiting = await sql.query(
      `UPDATE pgboss.job SET priority = greatest(priority, $3),
         start_after = CASE WHEN $4 THEN least(start_after, now()) ELSE start_after END
       WHERE name = $1 AND singleton_key = $2 AND state IN ('created', 'retry') RETURNING id`,
      [QUEUE, job.studyInstanceUid, priority, job.reason === 'requested'],
    );
    if (waiting.length > 0) return false;
    const options = { singletonKey: job.studyInstanceUid, priority, db: bossOn(sql) };
    const id = await this.#boss.send(QUEUE, job, options);
    await dropDead(sql, job.studyInstanceUid);
    return id !== null;
  }

  async #lookAfterOthers(): Promise<void> {
    const { heartbeatSeconds, onError } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#takeOver(heartbeatSeconds).catch(onError);
      await delay((heartbeatSeconds / LOOKS_PER_SILENCE) * 1000, undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  async #takeOver(silentForSeconds: number): Promise<void> {
    const now = new Date();
    const count = await this.#database.transaction((sql) => takeOver(this.#boss, sql, silentForSeconds, now));
    if (count > 0) this.wake();
  }
}

/** Any number that nothing else in the database locks. */
const OPENING_LOCK = 7_263_482_911;

/** Processes that start together on a new database would make pg-boss's tables at the same moment, and one would fail. */
async function oneAfterAnother(database: Database, work: () => Promise<void>): Promise<void> {
  if (database.kind === 'embedded') return work();
  await database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [OPENING_LOCK]);
    // On connections of its own; this one holds the lock.
    await work();
  });
}
