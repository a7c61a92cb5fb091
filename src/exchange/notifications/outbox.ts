import { z } from 'zod';
import type { Sql } from '../../store/database/sql.ts';
import { type Message, messageSchema } from './message.ts';
import type { StudyMessage } from './study-messages.ts';

/** Messages on their way out. They are in the database, so that no end of a process loses one. */
export interface DueMessage {
  readonly id: number;
  readonly channel: string;
  readonly message: Message;
  /** How often it was tried. */
  readonly tries: number;
}

/** Puts a message into the outbox, once per event and channel. */
export async function putMessage(
  sql: Sql,
  { key, message }: StudyMessage,
  channel: string,
  now: Date,
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.notification (event_key, channel, message, next_try_at)
     VALUES ($1, $2, $3::jsonb, $4) ON CONFLICT DO NOTHING`,
    [key, channel, JSON.stringify(message), now],
  );
}

const dueRow = z.object({
  id: z.int(),
  channel: z.string(),
  message: messageSchema,
  tries: z.int(),
});

/**
 * Takes the messages whose time has come: until the lease ends, no other process takes them too.
 * @param lease until when; longer than a delivery may take
 */
export async function takeDue(
  sql: Sql,
  { now, lease, limit }: { now: Date; lease: Date; limit: number },
): Promise<DueMessage[]> {
  const rows = await sql.query(
    `UPDATE pansegnet.notification SET tries = tries + 1, next_try_at = $2
     WHERE id IN (
       SELECT id FROM pansegnet.notification WHERE outcome IS NULL AND next_try_at <= $1
       ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING id, channel, message, tries`,
    [now, lease, limit],
  );
  return z.array(dueRow).parse(rows);
}

export async function markDelivered(sql: Sql, id: number): Promise<void> {
  await sql.query(`UPDATE pansegnet.notification SET outcome = 'delivered' WHERE id = $1`, [id]);
}

/** @param again when to try next; undefined: it is given up */
export async function markUndelivered(
  sql: Sql,
  id: number,
  reason: string,
  again: Date | undefined,
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.notification SET last_error = $2, next_try_at = coalesce($3::timestamptz, next_try_at),
       outcome = CASE WHEN $3::timestamptz IS NULL THEN 'given up' END
     WHERE id = $1`,
    [id, reason, again ?? null],
  );
}

/** Those that ended before that are forgotten. Their events must be too old to be found again. */
export async function forgetMessages(sql: Sql, before: Date): Promise<void> {
  await sql.query('DELETE FROM pansegnet.notification WHERE outcome IS NOT NULL AND next_try_at < $1', [
    before,
  ]);
}
