import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { DEAD_LETTER_QUEUE, QUEUE } from './queue-names.ts';

const figuresRow = z.object({
  waiting: z.int(),
  retrying: z.int(),
  active: z.int(),
  dead: z.int(),
  oldestWaitingSeconds: z.number(),
});

/** How much stands in the queue, by state, and how long the study has waited that has waited longest. */
export type QueueFigures = z.infer<typeof figuresRow>;

/** @param now what the ages are counted to */
export async function queueFigures(sql: Sql, now: Date): Promise<QueueFigures> {
  const rows = await sql.query(
    `SELECT count(*) FILTER (WHERE name = $1 AND state = 'created')::int AS waiting,
            count(*) FILTER (WHERE name = $1 AND state = 'retry')::int AS retrying,
            count(*) FILTER (WHERE name = $1 AND state = 'active')::int AS active,
            count(*) FILTER (WHERE name = $2 AND state IN ('created', 'retry'))::int AS dead,
            greatest(0, coalesce(extract(epoch FROM $3::timestamptz - min(created_on)
              FILTER (WHERE name = $1 AND state IN ('created', 'retry'))), 0))::float AS "oldestWaitingSeconds"
     FROM pgboss.job WHERE name IN ($1, $2)`,
    [QUEUE, DEAD_LETTER_QUEUE, now],
  );
  return z.tuple([figuresRow]).parse(rows)[0];
}
