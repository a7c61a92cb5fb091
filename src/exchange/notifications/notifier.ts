import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../../coded-error.ts';
import type { JobEngine } from '../../queue/job-engine.ts';
import type { Sql } from '../../store/database/sql.ts';
import { readSetting, writeSetting } from '../../store/records/settings.ts';
import { studiesEndedSince } from '../../store/records/study-log.ts';
import type { Message } from './message.ts';
import { markDelivered, markUndelivered, putMessage, takeDue } from './outbox.ts';
import { tellSilence } from './silence.ts';
import { type MessageSettings, messagesOf } from './study-messages.ts';

/** Delivers one message, or rejects with the reason. */
export type Deliver = (delivery: { id: number; message: Message; now: Date }) => Promise<void>;

export interface NotifierParts {
  readonly engine: JobEngine;
  readonly settings: MessageSettings & { readonly nothingArrivedHours?: number | null };
  /** By name, such as `webhook`. */
  readonly channels: Readonly<Record<string, Deliver>>;
  readonly now: () => Date;
  readonly warn: (fields: object, message: string) => void;
}

const SETTING = 'notified-until';
/**
 * Clocks of workers differ by less, and no transaction of theirs lasts longer. What is found twice is told
 * once.
 */
const OVERLAP_MS = 60_000;
/** Deliveries between two looks for news. */
const BATCH = 20;
const POLL_MS = 2_000;

/**
 * Finds studies that have ended since the last look, puts what is to be told into the outbox, and delivers
 * what is due.
 */
export async function notifyOnce(parts: NotifierParts): Promise<void> {
  await putNews(parts);
  const { engine, settings, channels, now } = parts;
  const hours = settings.nothingArrivedHours ?? null;
  await tellSilence(engine, { hours, channels: Object.keys(channels), now: now() });
  for (let count = 0; count < BATCH; count++) {
    if (!(await deliverNext(parts))) return;
  }
}

async function putNews({ engine, settings, channels, now }: NotifierParts): Promise<void> {
  const { database } = engine;
  const at = now();
  for (const study of await studiesEndedSince(database, await notifiedUntil(database, at))) {
    // One transaction for each: messages go out in the order of the events.
    await database.transaction(async (sql) => {
      for (const message of await messagesOf(sql, study, settings)) {
        for (const channel of Object.keys(channels)) await putMessage(engine, sql, message, channel);
      }
    });
  }
  await writeSetting(database, SETTING, at.toISOString());
}

/** @returns whether there was one */
async function deliverNext({ engine, channels, now, warn }: NotifierParts): Promise<boolean> {
  const due = await takeDue(engine);
  if (!due) return false;
  const { number, channel, message } = due.data;
  try {
    // A channel that is configured no more gets nothing.
    await channels[channel]?.({ id: number, message, now: now() });
  } catch (error) {
    const reason = messageOf(error);
    const again = await markUndelivered(engine, due, reason);
    warn({ channel, reason, tries: due.retryCount + 1, again }, 'a notification was not delivered');
    return true;
  }
  await markDelivered(engine, due);
  return true;
}

/** Does so every few seconds until it is stopped. The outbox must be open. */
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
  const last = z.iso
    .datetime()
    .optional()
    .parse(await readSetting(sql, SETTING));
  return last === undefined ? now : new Date(Date.parse(last) - OVERLAP_MS);
}
