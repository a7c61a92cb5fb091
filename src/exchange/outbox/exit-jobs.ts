import { z } from 'zod';
import { inTransaction, type JobEngine } from '../../queue/job-engine.ts';
import { setNextTry, takeUnqueued, unqueue } from '../../store/exchange/outgoing.ts';
import { silentJobs } from '../../store/queue/pgboss-tables.ts';

/** How long is waited before something is tried again. */
export interface Pauses {
  readonly firstSeconds: number;
  readonly longestSeconds: number;
}

/** What waits is tried for as long as it takes: at the longest pause of half an hour, for centuries. */
const RETRY_LIMIT = 10_000_000;

/**
 * A process that ended in the midst is noticed after so long; what it held is sent again, under the same id.
 */
const EXPIRE_SECONDS = 300;
/**
 * So long one job goes on with what waits of its study: what it begins last has to end before the job counts
 * as lost, or another process would send beside it.
 */
export const JOB_MS = (EXPIRE_SECONDS * 1000) / 10;

const REFUSING_SECONDS = 30 * 3_600;
const FEWEST_REFUSALS = 10;

/**
 * How often a receiver may have a message and not take it: for more than a day, as what stands behind it may
 * be down for one.
 */
export function refusalsAllowed({ firstSeconds, longestSeconds }: Pauses): number {
  let [refusals, waited, pause] = [1, 0, firstSeconds];
  while (waited < REFUSING_SECONDS) {
    waited += pause;
    pause = Math.min(2 * pause, longestSeconds);
    refusals += 1;
  }
  return Math.max(FEWEST_REFUSALS, refusals);
}

const jobRow = z.object({
  id: z.string(),
  retryCount: z.int(),
  data: z.object({ studyInstanceUid: z.string() }),
});
/** To send what waits of one study, in order. */
export type ExitJob = z.infer<typeof jobRow>;

/**
 * The jobs of one exit: one for each study that something waits of, so that what is told of a study goes out
 * in the order in which it happened, and another study does not wait for it.
 */
export class ExitJobs {
  readonly exit: string;
  readonly mostRefusals: number;
  readonly #engine: JobEngine;
  readonly #queue: string;

  private constructor(engine: JobEngine, exit: string, pauses: Pauses) {
    this.#engine = engine;
    this.exit = exit;
    this.mostRefusals = refusalsAllowed(pauses);
    this.#queue = `exit-${exit}`;
  }

  static async open(engine: JobEngine, exit: string, pauses: Pauses): Promise<ExitJobs> {
    const jobs = new ExitJobs(engine, exit, pauses);
    await engine.openQueue(jobs.#queue, {
      // Per study one job that is at work, and at most one behind it.
      policy: 'stately',
      retryLimit: RETRY_LIMIT,
      retryDelay: pauses.firstSeconds,
      retryBackoff: true,
      retryDelayMax: pauses.longestSeconds,
      expireInSeconds: EXPIRE_SECONDS,
    });
    // Of an embedded database this is the only process: whoever was at a job is no more.
    if (engine.database.kind === 'embedded') await jobs.#freeHeld();
    // Where the exit was away, jobs may have been lost meanwhile; one more than there need be does nothing.
    await unqueue(engine.database, exit);
    return jobs;
  }

  async #freeHeld(): Promise<void> {
    const { boss, database } = this.#engine;
    await database.transaction(async (sql) => {
      for (const { id, data } of await silentJobs(sql, this.#queue, 0)) {
        await boss.deleteJob(this.#queue, id, inTransaction(sql));
        await unqueue(sql, this.exit, jobRow.shape.data.parse(data).studyInstanceUid);
      }
    });
  }

  /** Makes jobs for what was put down since. */
  async make(): Promise<void> {
    const { boss, database } = this.#engine;
    await database.transaction(async (sql) => {
      for (const studyInstanceUid of await takeUnqueued(sql, this.exit)) {
        const options = { singletonKey: studyInstanceUid, ...inTransaction(sql) };
        await boss.send(this.#queue, { studyInstanceUid }, options);
      }
    });
  }

  /** Takes a job whose time has come; no other process takes it too. */
  async take(): Promise<ExitJob | undefined> {
    const [job] = await this.#engine.boss.fetch(this.#queue, { includeMetadata: true });
    return job && jobRow.parse(job);
  }

  async done(job: ExitJob): Promise<void> {
    await this.#engine.boss.complete(this.#queue, job);
  }

  /**
   * What waits of the study is tried again after a pause that grows.
   * @param pauseMs at least so long
   * @returns when
   */
  async again(job: ExitJob, reason: string, pauseMs = 0): Promise<Date | undefined> {
    const { boss, database } = this.#engine;
    await boss.fail(this.#queue, job, { reason });
    const found = async () =>
      (await boss.findJobs(this.#queue, { key: job.data.studyInstanceUid, queued: true })).find(
        ({ id }) => id === job.id,
      );
    let waiting = await found();
    if (waiting && waiting.startAfter.getTime() < Date.now() + pauseMs) {
      await boss.update(this.#queue, undefined, { id: job.id, startAfter: Math.ceil(pauseMs / 1000) });
      waiting = await found();
    }
    await setNextTry(database, this.exit, job.data.studyInstanceUid, waiting?.startAfter);
    return waiting?.startAfter;
  }
}
