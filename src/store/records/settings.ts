import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database, Sql } from '../database/sql.ts';

const settingRow = z.object({ value: z.string() });

/**
 * What the node keeps about itself, for all processes on the database; undefined where it was never written.
 */
export async function readSetting(sql: Sql, name: string): Promise<string | undefined> {
  const rows = await sql.query('SELECT value FROM pansegnet.setting WHERE name = $1', [name]);
  return z.array(settingRow).parse(rows)[0]?.value;
}

export async function writeSetting(sql: Sql, name: string, value: string): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [name, value],
  );
}

export async function forgetSetting(sql: Sql, name: string): Promise<void> {
  await sql.query('DELETE FROM pansegnet.setting WHERE name = $1', [name]);
}

/** The value of a setting that is made once, by whoever asks first, and then stays. */
export async function settingMadeOnce(sql: Sql, name: string, made: string): Promise<string> {
  const rows = await sql.query(
    `INSERT INTO pansegnet.setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value`,
    [name, made],
  );
  const [{ value }] = z.tuple([settingRow]).parse(rows);
  return value;
}

/** More than the least memory that a statement may have (64 kB): what goes beyond needs the disk. */
const SPILLED_ROWS = 10_000;

/**
 * Writes something, so that it is known that the database can: one that is read-only or has no room on its
 * disk answers questions as if nothing were wrong. A setting that is changed needs no more room than before;
 * rows that do not fit into memory do.
 */
export async function writeProof(database: Database): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query("SET LOCAL work_mem = '64kB'");
    await sql.query(`SELECT count(*) FROM generate_series(1, ${SPILLED_ROWS})`);
    await writeSetting(sql, 'written', randomUUID());
  });
}
