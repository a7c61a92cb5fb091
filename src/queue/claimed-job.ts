import type { JobWithMetadata } from 'pg-boss';
import { z } from 'zod';
import type { Failure } from '../pipeline/failures.ts';
import { databaseNow } from '../store/database/database-now.ts';
import type { Sql } from '../store/database/sql.ts';
import { setPlace, silentJobs, useUpTries } from '../store/queue/pgboss-tables.ts';
import { markWaiting } from '../store/records/study-log.ts';
import { deadLettersOf, dropDead } from './dead-studies.ts';
import { affected, inTransaction, type JobEngine } from './job-engine.ts';
import { keyOf, type StudyJob, studyJobSchema } from './study-job.ts';

/** A job that is, or was, in the hands of a process; `id` and `retryCount` name the claim, and no other. */
const claimedRow = z.object({
  /** Of its queue. */
  name: z.string(),
  id: z.string(),
  data: studyJobSchema,
  priority: z.int(),
  retryLimit: z.int(),
  retryCount: z.int(),
  createdOn: z.date(),
});
export type ClaimedJob = z.infer<typeof claimedRow>;

export const claimedJob = (job: JobWithMetadata): ClaimedJob => claimedRow.parse(job);

/**
 * Says that the process is alive and works on the job.
 * @param sql a transaction: the job cannot be taken away until it ends
 * @returns false where it was taken away
 */
export async function holdJob({ boss }: JobEngine, job: ClaimedJob, sql?: Sql): Promise<boolean> {
  return affected(await boss.touch(job.name, job, sql ? inTransaction(sql) : {})) > 0;
}

/**
 * Ends a job as failed: to be tried again after its pause, or for good.
 * @param minimumPauseMs the pause before the next try is at least so long
 */
export async function failJob(
  engine: JobEngine,
  sql: Sql,
  job: ClaimedJob,
  failure: Failure,
  { again, minimumPauseMs = 0 }: { again: boolean; minimumPauseMs?: number | undefined },
): Promise<void> {
  if (!again) await useUpTries(sql, job.name, job.id);
  await engine.boss.fail(job.name, job, failure, inTransaction(sql));
  if (!again) await dropDead(engine, sql, keyOf(job.data), { from: deadLettersOf(job.name), except: job.id });
  if (again && minimumPauseMs > 0) await pauseAtLeast(engine, sql, job, minimumPauseMs);
}

/** pg-boss has set the pause from now on; what the archive asked for may be longer. */
async function pauseAtLeast(
  { boss }: JobEngine,
  sql: Sql,
  { id, name }: Pick<ClaimedJob, 'id' | 'name'>,
  pauseMs: number,
): Promise<void> {
  const db = inTransaction(sql);
  const [waiting] = await boss.findJobs(name, { id, queued: true, ...db });
  const now = await databaseNow(sql);
  if (!waiting || waiting.startAfter.getTime() - now.getTime() >= pauseMs) return;
  await boss.update(name, undefined, { id, startAfter: pauseMs / 1000, ...db });
}

/**
 * Makes a held job a waiting one, without counting it as a failure. It gets a new id, so that who held it can
 * settle nothing any more.
 * @param how.keepsPlace whether it stays before those that came later; else it goes behind the others
 * @param how.startAfter in seconds
 */
export async function sendAgain(
  { boss }: JobEngine,
  sql: Sql,
  job: ClaimedJob,
  {
    data = job.data,
    keepsPlace,
    startAfter = 0,
  }: { data?: StudyJob; keepsPlace: boolean; startAfter?: number },
): Promise<void> {
  await boss.deleteJob(job.name, job, inTransaction(sql));
  const id = await boss.send(job.name, data, {
    singletonKey: keyOf(data),
    priority: job.priority,
    retryLimit: Math.max(0, job.retryLimit - job.retryCount),
    startAfter,
    ...inTransaction(sql),
  });
  if (id !== null && keepsPlace) await setPlace(sql, job.name, id, job.createdOn);
}

/** The same, and says so in the study log. */
export async function putBack(
  engine: JobEngine,
  sql: Sql,
  job: ClaimedJob,
  { why, now, ...how }: { data?: StudyJob; keepsPlace: boolean; why: string; now: Date },
): Promise<void> {
  await sendAgain(engine, sql, job, how);
  const { studyInstanceUid } = job.data;
  // What is measured again is done, whatever becomes of that.
  if (job.data.reason === 'remeasured') return;
  await markWaiting(sql, { studyInstanceUid, reason: why, errorCode: undefined, now });
}

/**
 * Puts the jobs of dead processes back in their queue.
 * @param silentForSeconds dead is who has said nothing for so long; 0 where nobody else can be alive
 */
export async function takeOver(
  engine: JobEngine,
  sql: Sql,
  queue: string,
  silentForSeconds: number,
  now: Date,
): Promise<number> {
  const silent = await silentJobs(sql, queue, silentForSeconds);
  const orphans = z.array(claimedRow).parse(silent.map((job) => ({ ...job, name: queue })));
  for (const orphan of orphans) {
    const data = { ...orphan.data, takeovers: orphan.data.takeovers + 1 };
    const why = 'the process that worked on it ended; it is taken up again';
    // Behind the others: it may be the study that ends the processes, and it must not keep the others from
    // their turn.
    await putBack(engine, sql, orphan, { data, keepsPlace: false, why, now });
  }
  return orphans.length;
}
