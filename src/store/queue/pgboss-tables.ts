import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

/*
 * What pg-boss's public interface has no way for, as SQL on its table of jobs: the only place that names it.
 * ADR 0029 says of each statement why it is needed; test/support/pgboss-contract.ts goes red where pg-boss
 * changes what they rely on.
 */

/** Lets an active job end for good when it next fails, whatever tries it has left. */
export async function useUpTries(sql: Sql, queue: string, id: string): Promise<void> {
  await sql.query('UPDATE pgboss.job SET retry_limit = retry_count WHERE name = $1 AND id = $2', [queue, id]);
}

/** Gives a job its place among those of its priority: the earlier, the sooner it is taken. */
export async function setPlace(sql: Sql, queue: string, id: string, since: Date): Promise<void> {
  await sql.query('UPDATE pgboss.job SET created_on = $3 WHERE name = $1 AND id = $2', [queue, id, since]);
}

/**
 * Whether a job of the queue may be taken now, of another study than those that are worked on: what `fetch`
 * would give, without taking it.
 * @param of.key of a job of this key
 * @param of.withinSeconds or so soon
 */
export async function isJobDue(
  sql: Sql,
  queue: string,
  { key, withinSeconds = 0 }: { key?: string; withinSeconds?: number } = {},
): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pgboss.job WHERE name = $1 AND state < 'active'
       AND start_after <= now() + $3 * interval '1 s' AND ($2::text IS NULL OR singleton_key = $2)
       AND NOT EXISTS (SELECT 1 FROM pgboss.job AS other WHERE other.name = $1 AND other.state = 'active'
         AND other.singleton_key = job.singleton_key)
     LIMIT 1`,
    [queue, key ?? null, withinSeconds],
  );
  return rows.length > 0;
}

/** Any number that nothing else in the database locks together with another. */
const STUDY_LOCK = 1_726_348_291;

/**
 * Whether another job that tells of the study is active in any of the queues. Who asks in a transaction is
 * answered after those that asked of the same study before.
 */
export async function inHandElsewhere(
  sql: Sql,
  queues: readonly string[],
  { id, studyInstanceUid }: { id: string; studyInstanceUid: string },
): Promise<boolean> {
  await sql.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [STUDY_LOCK, studyInstanceUid]);
  const rows = await sql.query(
    `SELECT 1 FROM pgboss.job WHERE name = ANY($1::text[]) AND state = 'active' AND id <> $2
       AND data->>'studyInstanceUid' = $3 LIMIT 1`,
    [queues, id, studyInstanceUid],
  );
  return rows.length > 0;
}

const silentRow = z.object({
  id: z.string(),
  data: z.unknown(),
  priority: z.int(),
  retryLimit: z.int(),
  retryCount: z.int(),
  createdOn: z.date(),
});

/**
 * Active jobs of whose process nothing was heard for so long. Holds them until the transaction ends, and
 * leaves out what others hold.
 */
export async function silentJobs(
  sql: Sql,
  queue: string,
  seconds: number,
): Promise<z.infer<typeof silentRow>[]> {
  const rows = await sql.query(
    `SELECT id, data, priority, retry_limit AS "retryLimit", retry_count AS "retryCount", created_on AS
     "createdOn"
     FROM pgboss.job
     WHERE name = $1 AND state = 'active' AND coalesce(heartbeat_on, started_on) <= now() - $2 * interval
     '1 s'
     FOR UPDATE SKIP LOCKED`,
    [queue, seconds],
  );
  return z.array(silentRow).parse(rows);
}

const deadRow = z.object({
  data: z.unknown(),
  output: z.unknown(),
  failedAt: z.date(),
  tries: z.int(),
});

/**
 * A page of the jobs in a dead letter queue, the latest first: as they were, what they failed with, when, at
 * which try.
 */
export async function deadJobs(
  sql: Sql,
  deadLetterQueue: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<z.infer<typeof deadRow>[]> {
  const rows = await sql.query(
    `SELECT data, source_output AS output, created_on AS "failedAt", coalesce(source_retry_count, 0) + 1
     AS tries
     FROM pgboss.job WHERE name = $1 AND state < 'active' ORDER BY created_on DESC, id LIMIT $2 OFFSET $3`,
    [deadLetterQueue, limit, offset],
  );
  return z.array(deadRow).parse(rows);
}

const triesRow = z.object({ key: z.string(), tries: z.int(), nextTryAt: z.date().nullable() });

/**
 * How often the jobs with these keys were tried that wait for another try, or are in the dead letter queue.
 * Of several jobs with a key, the latest counts.
 */
export async function triesOfJobs(
  sql: Sql,
  { queue, deadLetterQueue, keys }: { queue: string; deadLetterQueue: string; keys: readonly string[] },
): Promise<z.infer<typeof triesRow>[]> {
  const rows = await sql.query(
    `SELECT DISTINCT ON (singleton_key) singleton_key AS key,
       CASE WHEN name = $1 THEN retry_count ELSE coalesce(source_retry_count, 0) END + 1 AS tries,
       CASE WHEN name = $1 THEN start_after END AS "nextTryAt"
     FROM pgboss.job
     WHERE singleton_key = ANY($3::text[])
       AND ((name = $1 AND state = 'retry') OR (name = $2 AND state < 'active'))
     ORDER BY singleton_key, created_on DESC`,
    [queue, deadLetterQueue, keys],
  );
  return z.array(triesRow).parse(rows);
}

/**
 * Removes the jobs that tell of these studies, whatever their state: what is told of them, and why they were
 * given up. A database that no queue was opened on has none.
 */
export async function eraseJobs(
  sql: Sql,
  queues: readonly string[],
  studyInstanceUids: readonly string[],
): Promise<void> {
  const [table] = await sql.query(`SELECT to_regclass('pgboss.job') IS NOT NULL AS there`);
  if (table?.['there'] !== true) return;
  await sql.query(
    `DELETE FROM pgboss.job WHERE name = ANY($1::text[])
       AND coalesce(data->'message'->>'studyInstanceUid', data->>'studyInstanceUid') = ANY($2::text[])`,
    [queues, studyInstanceUids],
  );
}

const figuresRow = z.object({
  waiting: z.int(),
  retrying: z.int(),
  active: z.int(),
  dead: z.int(),
  oldestWaitingSeconds: z.number(),
});

/** How much stands in a queue, by state, and how long the job has waited that has waited longest. */
export type JobFigures = z.infer<typeof figuresRow>;

/** @param now what the ages are counted to */
export async function jobFigures(
  sql: Sql,
  { queue, deadLetterQueue, now }: { queue: string; deadLetterQueue: string; now: Date },
): Promise<JobFigures> {
  const rows = await sql.query(
    `SELECT count(*) FILTER (WHERE name = $1 AND state = 'created')::int AS waiting,
            count(*) FILTER (WHERE name = $1 AND state = 'retry')::int AS retrying,
            count(*) FILTER (WHERE name = $1 AND state = 'active')::int AS active,
            count(*) FILTER (WHERE name = $2 AND state IN ('created', 'retry'))::int AS dead,
            greatest(0, coalesce(extract(epoch FROM $3::timestamptz - min(created_on)
              FILTER (WHERE name = $1 AND state IN ('created', 'retry'))), 0))::float AS
              "oldestWaitingSeconds"
     FROM pgboss.job WHERE name IN ($1, $2) AND state IN ('created', 'retry', 'active')`,
    [queue, deadLetterQueue, now],
  );
  return z.tuple([figuresRow]).parse(rows)[0];
}
