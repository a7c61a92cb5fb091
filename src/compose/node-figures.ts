import type { NodeFigures } from '../http/api/api-parts.ts';
import { queueFigures } from '../queue/queue-figures.ts';
import type { Sql } from '../store/database/sql.ts';
import { readSetting, writeSetting } from '../store/records/settings.ts';
import { workSince } from '../store/records/work-figures.ts';

const LAST_POLL = 'last poll';

/** When the archive was last asked what is new, by whichever process, and answered. */
export const recordPoll = (database: Sql, at: Date): Promise<void> =>
  writeSetting(database, LAST_POLL, at.toISOString());

async function lastPoll(database: Sql): Promise<Date | undefined> {
  const at = new Date((await readSetting(database, LAST_POLL)) ?? '');
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** How the work goes, for whoever looks after the node. */
export async function nodeFigures(database: Sql, now: Date): Promise<NodeFigures> {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const { ended, medianSeconds } = await workSince(database, midnight);
  const { waiting, retrying, active, oldestWaitingSeconds } = await queueFigures(database, now);
  const left = waiting + retrying + active;
  // As many at a time as now; as long each as today's in the middle.
  const secondsLeft = medianSeconds === null ? undefined : (left * medianSeconds) / Math.max(1, active);
  return {
    lastPoll: await lastPoll(database),
    endedToday: ended,
    medianSeconds: medianSeconds ?? undefined,
    longestWaitingSeconds: waiting + retrying > 0 ? oldestWaitingSeconds : undefined,
    queueEndsAt:
      left > 0 && secondsLeft !== undefined ? new Date(now.getTime() + 1000 * secondsLeft) : undefined,
    isQueueEmpty: left === 0,
  };
}
