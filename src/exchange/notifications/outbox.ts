import { createHash } from 'node:crypto';
import { z } from 'zod';
import { inTransaction, type JobEngine } from '../../queue/job-engine.ts';
import type { Sql } from '../../store/database/sql.ts';
import { nextNotificationNumber } from '../../store/queue/notification-number.ts';
import { messageSchema } from './message.ts';
import type { StudyMessage } from './study-messages.ts';

/**
 * pg-boss's queue of the messages on their way out. They are in the database, so that no end of a process
 * loses one.
 */
export const NOTIFICATION_QUEUE = 'notification';

const DAY_SECONDS = 24 * 3_600;

const SETTINGS = {
  // Pauses double from half a minute up to an hour, some twelve hours in all; then it is given up.
  retryLimit: 17,
  retryDelay: 30,
  retryBackoff: true,
  retryDelayMax: 3_600,
  // Longer than a delivery may take. A process that ended in the midst of one is noticed then, and it counts
  // as a try.
  expireInSeconds: 60,
  // An ended one is kept, and its event not told again, for so long: events must be too old by then to be
  // found again.
  deleteAfterSeconds: 7 * DAY_SECONDS,
} as const;

const dueSchema = z.object({
  id: z.string(),
  retryCount: z.int(),
  data: z.object({
    /** The same when a delivery comes twice; receivers go by it. */
    number: z.int(),
    channel: z.string(),
    message: messageSchema,
  }),
});
export type DueMessage = z.infer<typeof dueSchema>;

/**
 * The same event is told once on each channel: the id of its job says which it is. Schema step 6 makes the
 * same ids.
 */
const notificationId = (channel: string, key: string): string =>
  createHash('sha256').update(`${channel} ${key}`).digest('hex').slice(0, 32);

export const openOutbox = (engine: JobEngine): Promise<void> =>
  engine.openQueue(NOTIFICATION_QUEUE, SETTINGS);

/** Puts a message on its way, once per event and channel. */
export async function putMessage(
  { boss }: JobEngine,
  sql: Sql,
  { key, message }: StudyMessage,
  channel: string,
): Promise<void> {
  const id = notificationId(channel, key);
  const number = await nextNotificationNumber(sql);
  await boss.send(NOTIFICATION_QUEUE, { number, channel, message }, { id, ...inTransaction(sql) });
}

/** Takes a message whose time has come; undefined where there is none. No other process takes it too. */
export async function takeDue({ boss }: JobEngine): Promise<DueMessage | undefined> {
  const [job] = await boss.fetch(NOTIFICATION_QUEUE);
  return job && dueSchema.parse(job);
}

export async function markDelivered({ boss }: JobEngine, due: DueMessage): Promise<void> {
  await boss.complete(NOTIFICATION_QUEUE, due);
}

/** @returns when it is tried next; undefined: it is given up */
export async function markUndelivered(
  { boss }: JobEngine,
  due: DueMessage,
  reason: string,
): Promise<Date | undefined> {
  await boss.fail(NOTIFICATION_QUEUE, due, { reason });
  const [waiting] = await boss.findJobs(NOTIFICATION_QUEUE, { id: due.id, queued: true });
  return waiting?.startAfter;
}
