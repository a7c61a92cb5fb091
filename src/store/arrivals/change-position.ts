import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

/** How far an archive's list of changes has been followed. */
export interface ChangePosition {
  readonly sequence: number;
  /** The change of that number; null where the list was empty. */
  readonly entry: string | null;
}

const positionRow = z.object({ sequence: z.coerce.number(), entry: z.string().nullable() });

/** @param archive stands for the archive; undefined where its list was never followed */
export async function readChangePosition(sql: Sql, archive: string): Promise<ChangePosition | undefined> {
  const rows = await sql.query(
    'SELECT sequence, change AS entry FROM pansegnet.change_position WHERE archive = $1',
    [archive],
  );
  return z.array(positionRow).parse(rows)[0];
}

export async function writeChangePosition(
  sql: Sql,
  archive: string,
  { sequence, entry }: ChangePosition,
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.change_position (archive, sequence, change) VALUES ($1, $2, $3)
     ON CONFLICT (archive) DO UPDATE SET sequence = $2, change = $3`,
    [archive, sequence, entry],
  );
}
