import { z } from 'zod';
import type { Sql } from './sql.ts';

/**
 * The database's own time; within a transaction, that of its beginning. A question that any database in order
 * answers.
 */
export async function databaseNow(sql: Sql): Promise<Date> {
  const rows = await sql.query('SELECT now() AS now');
  return z.tuple([z.object({ now: z.date() })]).parse(rows)[0].now;
}
