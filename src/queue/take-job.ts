import type { Sql } from '../store/database/sql.ts';
import { inHandElsewhere, isJobDue } from '../store/queue/pgboss-tables.ts';
import { type ClaimedJob, claimedJob, sendAgain } from './claimed-job.ts';
import { inTransaction, type JobEngine } from './job-engine.ts';
import { EARLIER_QUEUE, QUEUE } from './queue-names.ts';

/** A study that is in hand by a job of another kind is looked at again after so long. */
const HELD_BACK_SECONDS = { [QUEUE]: 1, [EARLIER_QUEUE]: 10 } as const;
/** What is held back comes so soon. */
export const COMES_WITHIN_SECONDS = 2 * HELD_BACK_SECONDS[QUEUE];

/**
 * Takes the next job of a queue, of a study that is in nobody's hands: pg-boss sees to that within one queue
 * and for one kind of work, and a study may be in both, and wait to be measured by several models.
 */
export async function takeJob(
  engine: JobEngine,
  queue: keyof typeof HELD_BACK_SECONDS,
): Promise<ClaimedJob | undefined> {
  const { boss, database } = engine;
  for (;;) {
    const taken = await database.transaction(async (sql) => {
      const [fetched] = await boss.fetch<object>(queue, { includeMetadata: true, ...inTransaction(sql) });
      if (!fetched) return undefined;
      const job = claimedJob(fetched);
      const isHeldBack = (await isInHand(sql, job)) || (queue === EARLIER_QUEUE && (await hasCome(sql, job)));
      if (!isHeldBack) return { job };
      await sendAgain(engine, sql, job, { keepsPlace: true, startAfter: HELD_BACK_SECONDS[queue] });
      return { job: undefined };
    });
    if (!taken) return undefined;
    if (taken.job) return taken.job;
  }
}

/** Whether the same study waits before it: what has just made room would be taken again at once. */
function hasCome(sql: Sql, { data: { studyInstanceUid: key } }: ClaimedJob): Promise<boolean> {
  return isJobDue(sql, QUEUE, { key, withinSeconds: COMES_WITHIN_SECONDS });
}

/** Processes that take two jobs of one study at the same moment ask one after the other. */
async function isInHand(sql: Sql, { id, data: { studyInstanceUid } }: ClaimedJob): Promise<boolean> {
  return inHandElsewhere(sql, [QUEUE, EARLIER_QUEUE], { id, studyInstanceUid });
}
