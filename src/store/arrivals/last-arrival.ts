import type { Sql } from '../database/sql.ts';

/**
 * Whether a study became known since then; those that the node looked up itself, as of earlier years, don't
 * count.
 */
export async function hasArrivedSince(sql: Sql, since: Date): Promise<boolean> {
  // What arrived was changed since too, which has an index.
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.study WHERE changed_at >= $1 AND first_seen_at >= $1
       AND source->>'kind' IS DISTINCT FROM 'earlier' LIMIT 1`,
    [since],
  );
  return rows.length > 0;
}
