import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';

/**
 * running: studies are taken and worked on. paused: what is worked on is finished, nothing more is begun; what arrives
 * waits. draining: what waits is worked off, and nothing new is let in but what a person asks for; the watch finds it
 * when the queue is running again.
 */
const QUEUE_MODES = ['running', 'paused', 'draining'] as const;
export type QueueMode = (typeof QUEUE_MODES)[number];

const SETTING = 'queue-mode';
const modeRow = z.object({ value: z.enum(QUEUE_MODES) });

/** The mode is kept in the database: all processes heed it, after a restart too. */
export async function queueMode(sql: Sql): Promise<QueueMode> {
  const rows = await sql.query('SELECT value FROM pansegnet.setting WHERE name = $1', [SETTING]);
  return z.array(modeRow).parse(rows)[0]?.value ?? 'running';
}

export async function setQueueMode(sql: Sql, mode: QueueMode): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [SETTING, mode],
  );
}
