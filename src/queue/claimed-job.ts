import type { Db, JobWithMetadata, PgBoss } from 'pg-boss';
import { z } from 'zod';
import type { Failure } from '../pipeline/failures.ts';
import type { Sql } from '../store/database/sql.ts';
import { markWaiting } from '../store/records/study-log.ts';
import { DEAD_LETTER_QUEUE, QUEUE } from './queue-names.ts';
import { type StudyJob, studyJobSchema } from './study-job.ts';

/** A job that is, or was, in the hands of a process. */
const claimedRow = z.object({
  id: z.string(),
  data: studyJobSchema,
  priority: z.int(),
  retryLimit: z.int(),
  retryCount: z.int(),
  createdOn: z.date(),
});
export type ClaimedJob = z.infer<typeof claimedRow>;

export const claimedJob = (job: JobWithMetadata): ClaimedJob => claimedRow.parse(job);

/** pg-boss's view of a transaction. */
export function bossOn(sql: Sql): Db {
  return { executeSql: async (text, values) => ({ rows: await sql.query(text, values) }) };
}

/** Whether the job is still in the hands that took it; locks it until the end of the transaction. */
export async function isHeld(sql: Sql, { id, retryCount }: ClaimedJob): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pgboss.job WHERE name = $1 AND id = $2 AND state = 'active' AND retry_count = $3 FOR UPDATE`,
    [QUEUE, id, retryCount],
  );
  return rows.length > 0;
}

/** Says that the process is alive and works on the job; false where the job was taken away from it. */
export async function beat(sql: Sql, { id, retryCount }: ClaimedJob): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pgboss.job SET heartbeat_on = now()
     WHERE name = $1 AND id = $2 AND state = 'active' AND retry_count = $3 RETURNING id`,
    [QUEUE, id, retryCount],
  );
  return rows.length > 0;
}

/**
 * Ends a job as failed: to be tried again after its pause, or for good.
 * @param minimumPauseMs the pause before the next try is at least so long
 */
export async function failJob(
  boss: PgBoss,
  sql: Sql,
  job: ClaimedJob,
  failure: Failure,
  { again, minimumPauseMs = 0 }: { again: boolean; minimumPauseMs?: number | undefined },
): Promise<void> {
  if (!again) {
    await sql.query('UPDATE pgboss.job SET retry_limit = retry_count WHERE name = $1 AND id = $2', [
      QUEUE,
      job.id,
    ]);
  }
  await boss.fail(QUEUE, job.id, failure, { db: bossOn(sql) });
  if (!again) {
    await dropDead(sql, job.data.studyInstanceUid, job.id);
    return;
  }
  await sql.query(
    `UPDATE pgboss.job SET start_after = greatest(start_after, now() + $3 * interval '1 ms')
     WHERE name = $1 AND id = $2 AND state = 'retry'`,
    [QUEUE, job.id, minimumPauseMs],
  );
}

/** Takes a study from the list of those that were given up, but for the one that was given up just now. */
export async function dropDead(sql: Sql, studyInstanceUid: string, exceptSource?: string): Promise<boolean> {
  const rows = await sql.query(
    `DELETE FROM pgboss.job WHERE name = $1 AND singleton_key = $2 AND source_id IS DISTINCT FROM $3::uuid RETURNING id`,
    [DEAD_LETTER_QUEUE, studyInstanceUid, exceptSource ?? null],
  );
  return rows.length > 0;
}

/**
 * Makes a held job a waiting one, without a pause and without counting it as a failure.
 * @param how.since its place among those of its priority
 */
export async function putBack(
  boss: PgBoss,
  sql: Sql,
  job: ClaimedJob,
  { data = job.data, since, why, now }: { data?: StudyJob; since: Date; why: string; now: Date },
): Promise<void> {
  const { studyInstanceUid } = data;
  await boss.deleteJob(QUEUE, job.id, { db: bossOn(sql) });
  const id = await boss.send(QUEUE, data, {
    singletonKey: studyInstanceUid,
    priority: job.priority,
    retryLimit: Math.max(0, job.retryLimit - job.retryCount),
    db: bossOn(sql),
  });
  await sql.query('UPDATE pgboss.job SET created_on = $3 WHERE name = $1 AND id = $2', [QUEUE, id, since]);
  await markWaiting(sql, { studyInstanceUid, reason: why, errorCode: undefined, now });
}

/**
 * Puts the jobs of dead processes back in the queue.
 * @param silentForSeconds dead is who has said nothing for so long; 0 where nobody else can be alive
 */
export async function takeOver(boss: PgBoss, sql: Sql, silentForSeconds: number, now: Date): Promise<number> {
  const rows = await sql.query(
    `SELECT id, data, priority, retry_limit AS "retryLimit", retry_count AS "retryCount", created_on AS "createdOn"
     FROM pgboss.job
     WHERE name = $1 AND state = 'active' AND coalesce(heartbeat_on, started_on) <= now() - $2 * interval '1 s'
     FOR UPDATE SKIP LOCKED`,
    [QUEUE, silentForSeconds],
  );
  const orphans = z.array(claimedRow).parse(rows);
  for (const orphan of orphans) {
    const data = { ...orphan.data, takeovers: orphan.data.takeovers + 1 };
    const why = 'the process that worked on it ended; it is taken up again';
    // Behind the others: it may be the study that ends the processes, and it must not keep the others from their turn.
    await putBack(boss, sql, orphan, { data, since: now, why, now });
  }
  return orphans.length;
}
