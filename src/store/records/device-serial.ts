import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

const SETTING = 'device-serial-number';

/** The serial number of this installation: a UUID, made once for its database and kept in it. */
export async function deviceSerial(sql: Sql): Promise<string> {
  const rows = await sql.query(
    `INSERT INTO pansegnet.setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value`,
    [SETTING, randomUUID()],
  );
  const [row] = rowsOf(z.object({ value: z.string() }), rows);
  if (!row) throw new TypeError('a setting that was written has no value');
  return row.value;
}
