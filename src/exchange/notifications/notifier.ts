import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Sql } from '../../store/database/sql.ts';
import type { Message } from './message.ts';
import { forgetMessages, markDelivered, markUndelivered, putMessage, takeDue } from './outbox.ts';
import { type MessageSettings, messagesOf } from './study-messages.ts';

/** Delivers one message, or rejects with the reason. */
export type Deliver = (delivery: { id: number; message: Message; now: Date }) => Promise<void>;

export interface NotifierParts {
  readonly sql: Sql;
  readonly settings: MessageSettings;
  /** By name, such as `webhook`. */
  readonly channels: Readonly<Record<string, Deliver>>;
  readonly now: () => Date;
  readonly warn: (fields: object, message: string) => void;
}

const SETTING = 'notified-until';
/** Clocks of workers differ by less, and no transaction of theirs lasts longer. What is found twice is told once. */
const OVERLAP_MS = 60_000;
const LEASE_MS = 60_000;
const BATCH = 20;
/** Pause before another try: it doubles, up to an hour, some twelve hours in all. */
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;
const MOST_TRIES = 18;
const KEPT_MS = 7 * 24 * 3_600_000;
const POLL_MS = 2_000;

/** Finds studies that have ended since the last look, puts what is to be told into the outbox, and delivers what is due. */
export async function notifyOnce({ sql, settings, channels, now, warn }: NotifierParts): Promise<void> {
  const at = now();
  for (const study of await endedSince(sql, await notifiedUntil(sql, at))) {
    for (const message of await messagesOf(sql, study, settings)) {
      for (const channel of Object.keys(channels)) await putMessage(sql, message, channel, at);
    }
  }
  await sql.query('UPDATE pansegnet.setting SET value = $2 WHERE name = $1', [SETTING, at.toISOString()]);
  const lease = new Date(at.getTime() + LEASE_MS);
  for (const { id, channel, message, tries } of await takeDue(sql, { now: at, lease, limit: BATCH })) {
    try {
      // A channel that is configured no more gets nothing.
      await channels[channel]?.({ id, message, now: now() });
      await markDelivered(sql, id);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
      const again = tries < MOST_TRIES ? new Date(now().getTime() + pause) : undefined;
      warn({ channel, reason, tries, again }, 'a notification was not delivered');
      await markUndelivered(sql, id, reason, again);
    }
  }
  await forgetMessages(sql, new Date(at.getTime() - KEPT_MS));
}

/** Does so every few seconds until it is stopped. */
export function startNotifier(parts: NotifierParts): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const work = async () => {
    while (!stopping.signal.aborted) {
      await notifyOnce(parts).catch((err: unknown) => parts.warn({ err }, 'notifications wait'));
      await delay(POLL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const working = work();
  return {
    stop: async () => {
      stopping.abort();
      await working;
    },
  };
}

/** The time of the last look; a node that has never looked tells nothing of the past. */
async function notifiedUntil(sql: Sql, now: Date): Promise<Date> {
  const rows = await sql.query(
    `INSERT INTO pansegnet.setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value, xmax = 0 AS is_new`,
    [SETTING, now.toISOString()],
  );
  const [{ value, is_new }] = z
    .tuple([z.object({ value: z.iso.datetime(), is_new: z.boolean() })])
    .parse(rows);
  return is_new ? now : new Date(Date.parse(value) - OVERLAP_MS);
}

async function endedSince(sql: Sql, since: Date): Promise<string[]> {
  const rows = await sql.query(
    `SELECT study_instance_uid FROM pansegnet.study
     WHERE state IN ('done', 'failed') AND changed_at >= $1 ORDER BY changed_at`,
    [since],
  );
  return z
    .array(z.object({ study_instance_uid: z.string() }))
    .parse(rows)
    .map(({ study_instance_uid }) => study_instance_uid);
}
