import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { readSetting, writeSetting } from '../store/records/settings.ts';

/**
 * running: studies are taken and worked on. paused: what is worked on is finished, nothing more is begun;
 * what arrives waits. draining: what waits is worked off, and nothing new is let in but what a person asks
 * for; the watch finds it when the queue is running again.
 */
const QUEUE_MODES = ['running', 'paused', 'draining'] as const;
export type QueueMode = (typeof QUEUE_MODES)[number];

const SETTING = 'queue-mode';
const modeSchema = z.enum(QUEUE_MODES).default('running');

/** The mode is kept in the database: all processes heed it, after a restart too. */
export async function queueMode(sql: Sql): Promise<QueueMode> {
  return modeSchema.parse(await readSetting(sql, SETTING));
}

export async function setQueueMode(sql: Sql, mode: QueueMode): Promise<void> {
  await writeSetting(sql, SETTING, mode);
}
