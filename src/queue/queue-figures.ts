import type { Sql } from '../store/database/sql.ts';
import { type JobFigures, jobFigures } from '../store/queue/pgboss-tables.ts';
import { deadLettersOf } from './dead-studies.ts';
import { QUEUE } from './queue-names.ts';

export type QueueFigures = JobFigures;

/**
 * How much stands in the queue, by state, and how long the study has waited that has waited longest.
 * @param now what the ages are counted to
 */
export const queueFigures = (sql: Sql, now: Date, queue = QUEUE): Promise<QueueFigures> =>
  jobFigures(sql, { queue, deadLetterQueue: deadLettersOf(queue), now });
