import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

/** A number that no other notification on this database has. */
export async function nextNotificationNumber(sql: Sql): Promise<number> {
  const rows = await sql.query(`SELECT nextval('pansegnet.notification_number')::integer AS number`);
  return z.tuple([z.object({ number: z.int() })]).parse(rows)[0].number;
}
