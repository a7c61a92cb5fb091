import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '../store/database/sql.ts';
import { isJobDue, triesOfJobs } from '../store/queue/pgboss-tables.ts';
import { type ClaimedJob, takeOver } from './claimed-job.ts';
import {
  addDead,
  type DeadEarlier,
  type DeadStudy,
  deadEarlier,
  deadLettersOf,
  deadStudies,
  dropDead,
  findDead,
  type GivenUp,
  takeBackDead,
} from './dead-studies.ts';
import { inTransaction, type JobEngine } from './job-engine.ts';
import { queueFigures } from './queue-figures.ts';
import { type QueueMode, queueMode, setQueueMode } from './queue-mode.ts';
import { DEAD_LETTER_QUEUE, EARLIER_DEAD_LETTER_QUEUE, EARLIER_QUEUE, QUEUE } from './queue-names.ts';
import { QUEUE_DEFAULTS, type QueueOptions } from './queue-options.ts';
import { RunningJob } from './running-job.ts';
import {
  ARRIVAL,
  EARLIER,
  isBehindOthers,
  keyOf,
  priorityOf,
  type StudyJob,
  type StudyRequest,
} from './study-job.ts';
import { COMES_WITHIN_SECONDS, takeJob } from './take-job.ts';
import { WorkLoop } from './work-loop.ts';
import type { Worker } from './worker.ts';

/**
 * The longest that pg-boss knows. The node's own limit comes first; this one is for a process that forgot its
 * job.
 */
const EXPIRE_SECONDS = 24 * 3_600 - 1;

/** How often work behind the others looks whether its own study has come in another way. */
const SAME_STUDY_LOOK_MS = 1_000;

/** How many looks for dead workers fall into the time after which one is dead. */
const LOOKS_PER_SILENCE = 4;

/** How often `drained` looks; a look takes a few milliseconds. */
const DRAIN_LOOK_MS = 100;

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly dead: number;
}

/**
 * The studies that wait to be processed. Every job may run twice, none is forgotten. What is behind the
 * others (earlier studies, what is measured again) is taken when nothing else waits, and makes room for what
 * comes.
 */
export class StudyQueue {
  readonly #engine: JobEngine;
  readonly #options: QueueOptions;
  readonly #stopping = new AbortController();
  #loop: WorkLoop<ClaimedJob> | undefined;
  /** Jobs in hand that make room for others. */
  readonly #behind = new Map<ClaimedJob, AbortController>();
  #looks: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(engine: JobEngine, options: QueueOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /**
   * Opens the queue. Jobs that were in the hands of a process that died are waiting again: at once on an
   * embedded database, which has one process; on a server, whose processes look after each other, when it has
   * been silent for long.
   */
  static async open(engine: JobEngine, options: Partial<QueueOptions> = {}): Promise<StudyQueue> {
    const resolved: QueueOptions = { ...QUEUE_DEFAULTS, ...options };
    const retries = {
      retryLimit: resolved.retryLimit,
      retryDelay: resolved.retryDelaySeconds,
      retryBackoff: true,
      retryDelayMax: resolved.retryDelayMaxSeconds,
      expireInSeconds: EXPIRE_SECONDS,
      deleteAfterSeconds: resolved.finishedSeconds,
    };
    await engine.openQueue(DEAD_LETTER_QUEUE);
    await engine.openQueue(QUEUE, {
      // Per study one job that waits and one that runs, so what arrives during a run isn't forgotten.
      policy: 'stately',
      deadLetter: DEAD_LETTER_QUEUE,
      ...retries,
    });
    await engine.openQueue(EARLIER_DEAD_LETTER_QUEUE);
    await engine.openQueue(EARLIER_QUEUE, {
      policy: 'stately',
      deadLetter: EARLIER_DEAD_LETTER_QUEUE,
      ...retries,
    });
    const queue = new StudyQueue(engine, resolved);
    if (engine.database.kind === 'embedded') await queue.#takeOver(0);
    else queue.#looks = queue.#lookAfterOthers();
    return queue;
  }

  /**
   * Puts a study in the queue, unless it waits there already: then what is more urgent moves it forward.
   * @param sql a transaction to do it in; then `wake` after it is committed
   * @returns whether it was put in
   */
  async add(request: StudyRequest, sql?: Sql): Promise<boolean> {
    const { studyInstanceUid, reason, measureWith } = request;
    const job = { studyInstanceUid, reason, requestId: requestIdOf(reason), takeovers: 0 };
    return this.#send({ ...job, ...(measureWith ? { measureWith } : {}) }, priorityOf(request), sql);
  }

  /** Looks for work now instead of at the next poll. */
  wake(): void {
    this.#loop?.wake();
  }

  /** Starts working on what is queued. */
  work(worker: Worker): void {
    const engine = this.#engine;
    const parts = { engine, options: this.#options, stopping: this.#stopping.signal };
    this.#loop = new WorkLoop<ClaimedJob>({
      take: () => this.#take(worker),
      full: () => this.#makeRoom(),
      work: async (job, hand) => {
        const giveWay = job.name === EARLIER_QUEUE ? new AbortController() : undefined;
        if (giveWay) this.#behind.set(job, giveWay);
        const looks =
          giveWay && setInterval(() => void this.#giveWayToItself(job, giveWay), SAME_STUDY_LOOK_MS);
        await new RunningJob(job, worker, { ...parts, hand, giveWay: giveWay?.signal }).run();
        clearInterval(looks);
        this.#behind.delete(job);
      },
      concurrency: worker.concurrency,
      pollMs: this.#options.pollingSeconds * 1000,
      onError: engine.onError,
    });
  }

  /** Jobs that wait (for their turn or for a retry), that are worked on, and that failed for good. */
  async counts(): Promise<QueueCounts> {
    const { waiting, retrying, active, dead } = await queueFigures(this.#engine.database, new Date());
    return { waiting: waiting + retrying, active, dead };
  }

  /** The same of what is worked on when nothing else is there: see `EARLIER_QUEUE`. */
  async behind(): Promise<QueueCounts> {
    const { database } = this.#engine;
    const { waiting, retrying, active, dead } = await queueFigures(database, new Date(), EARLIER_QUEUE);
    return { waiting: waiting + retrying, active, dead };
  }

  /** The work behind the others that was given up, the latest first. */
  deadBehind(page: { limit: number; offset: number }): Promise<DeadEarlier[]> {
    return deadEarlier(this.#engine.database, page);
  }

  mode(): Promise<QueueMode> {
    return queueMode(this.#engine.database);
  }

  /** Pauses, drains or resumes the work of all processes on this database, for good: see `QUEUE_MODES`. */
  async setMode(mode: QueueMode): Promise<void> {
    await setQueueMode(this.#engine.database, mode);
    this.wake();
  }

  /** How often studies were tried that wait for another try, or were given up, and when the next try is. */
  async tries(
    studyInstanceUids: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly tries: number; readonly nextTryAt: Date | undefined }>> {
    if (studyInstanceUids.length === 0) return new Map();
    const rows = await triesOfJobs(this.#engine.database, {
      queue: QUEUE,
      deadLetterQueue: DEAD_LETTER_QUEUE,
      keys: studyInstanceUids,
    });
    return new Map(
      rows.map(({ key, tries, nextTryAt }) => [key, { tries, nextTryAt: nextTryAt ?? undefined }]),
    );
  }

  /** The studies that were given up, the latest first. */
  dead(page: { limit: number; offset: number }): Promise<DeadStudy[]> {
    return deadStudies(this.#engine.database, page);
  }

  /**
   * Puts a study that was given up back in the queue, as the same request.
   * @returns false where it is not among those
   */
  async requeue(studyInstanceUid: string, sql: Sql): Promise<boolean> {
    const job = await findDead(this.#engine, sql, studyInstanceUid);
    if (!job) return false;
    await this.#send({ ...job, takeovers: 0 }, priorityOf({ studyInstanceUid, reason: 'requested' }), sql);
    return true;
  }

  /** Puts a study among those that were given up, that could not even be queued; `requeue` queues it. */
  giveUp(study: GivenUp, sql: Sql): Promise<void> {
    return addDead(this.#engine, sql, study);
  }

  /** Undoes `giveUp`. */
  takeBack(studyInstanceUid: string, sql: Sql): Promise<void> {
    return takeBackDead(this.#engine, sql, studyInstanceUid);
  }

  /** Takes a study from the list of those given up; the study log still says how it failed. */
  drop(studyInstanceUid: string): Promise<boolean> {
    return dropDead(this.#engine, this.#engine.database, studyInstanceUid);
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
   * The engine stays open. Stopping once more waits for the first stop.
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
  }

  async #take({ mayBeginBehind }: Worker): Promise<ClaimedJob | undefined> {
    const mode = await this.mode();
    if (mode === 'paused') return undefined;
    const job = await takeJob(this.#engine, QUEUE);
    // A queue that is drained is to be empty soon: what is behind the others may be the work of days.
    if (job || mode === 'draining') return job;
    return (await mayBeginBehind?.()) === false ? undefined : takeJob(this.#engine, EARLIER_QUEUE);
  }

  /** One of the jobs that are behind the others goes back to its queue, where another waits. */
  async #makeRoom(): Promise<void> {
    const [giveWay] = this.#behind.values();
    if (!giveWay || [...this.#behind.values()].some(({ signal }) => signal.aborted)) return;
    if ((await this.mode()) === 'paused' || !(await isJobDue(this.#engine.database, QUEUE))) return;
    giveWay.abort(new Error('it makes room for a new study'));
  }

  /** What is behind the others makes room for the same study, which is in nobody's hands twice. */
  async #giveWayToItself({ data: { studyInstanceUid: key } }: ClaimedJob, giveWay: AbortController) {
    const { database, onError } = this.#engine;
    const look = async () => {
      if (giveWay.signal.aborted || (await this.mode()) === 'paused') return;
      if (await isJobDue(database, QUEUE, { key, withinSeconds: COMES_WITHIN_SECONDS }))
        giveWay.abort(new Error('it makes room for the same study, which has come'));
    };
    await look().catch(onError);
  }

  async #send(job: StudyJob, priority: number, sql?: Sql): Promise<boolean> {
    if (!sql) {
      const isNew = await this.#engine.database.transaction((transaction) =>
        this.#send(job, priority, transaction),
      );
      this.wake();
      return isNew;
    }
    if (await this.#moveForward(job, priority, sql)) return false;
    const options = { singletonKey: keyOf(job), priority, ...inTransaction(sql) };
    const id = await this.#engine.boss.send(queueOf(job), job, options);
    await dropDead(this.#engine, sql, keyOf(job), { from: deadLettersOf(queueOf(job)) });
    return id !== null;
  }

  /**
   * @returns whether the study waits already: for its turn, or for a retry, whose pause ends where a person
   * asks
   */
  async #moveForward(job: StudyJob, priority: number, sql: Sql): Promise<boolean> {
    const { boss } = this.#engine;
    const [queue, key] = [queueOf(job), keyOf(job)];
    const db = inTransaction(sql);
    // Changes nothing: it finds what waits and holds it, so that nobody takes it before the transaction ends.
    const { updated } = await boss.update(queue, undefined, { singletonKey: key, match: 'all', ...db });
    if (updated === 0) return false;
    for (const waiting of await boss.findJobs(queue, { key, queued: true, ...db })) {
      await boss.update(queue, undefined, {
        id: waiting.id,
        priority: Math.max(waiting.priority, priority),
        ...(job.reason === 'requested' ? { startAfter: 0 } : {}),
        ...db,
      });
    }
    return true;
  }

  async #lookAfterOthers(): Promise<void> {
    const { heartbeatSeconds } = this.#options;
    const { onError } = this.#engine;
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
    for (const queue of [QUEUE, EARLIER_QUEUE]) {
      const count = await this.#engine.database.transaction((sql) =>
        takeOver(this.#engine, sql, queue, silentForSeconds, now),
      );
      if (count > 0) this.wake();
    }
  }
}

const queueOf = ({ reason }: StudyJob): string => (isBehindOthers(reason) ? EARLIER_QUEUE : QUEUE);

function requestIdOf(reason: StudyJob['reason']): string {
  if (reason === 'requested' || reason === 'restated') return randomUUID();
  return isBehindOthers(reason) ? EARLIER : ARRIVAL;
}
