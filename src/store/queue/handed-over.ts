import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

const handedOverRow = z.object({
  id: z.string(),
  data: z.record(z.string(), z.unknown()),
  dueAt: z.date(),
  retryLimit: z.int().nullable(),
  retryDelay: z.int().nullable(),
});

/**
 * A job that a migration made of what an earlier version kept elsewhere; without a limit of retries, it is
 * over.
 */
export type HandedOverJob = z.infer<typeof handedOverRow>;

/**
 * Takes the jobs that migrations left for a queue: whoever takes them puts them into it, in the same
 * transaction.
 */
export async function takeHandedOver(sql: Sql, queue: string): Promise<HandedOverJob[]> {
  const rows = await sql.query(
    `DELETE FROM pansegnet.handed_over_job WHERE queue = $1
     RETURNING id, data, due_at AS "dueAt", retry_limit AS "retryLimit", retry_delay AS "retryDelay"`,
    [queue],
  );
  return z.array(handedOverRow).parse(rows);
}
