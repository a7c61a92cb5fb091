import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

const figuresRow = z.object({
  /** Studies whose work ended, well or not. */
  ended: z.int(),
  /** From the beginning of the work to its end, of those with results; null where there is none. */
  medianSeconds: z.number().nullable(),
});
export type WorkFigures = Readonly<z.output<typeof figuresRow>>;

/** What was done since that time. */
export async function workSince(sql: Sql, since: Date): Promise<WorkFigures> {
  const rows = await sql.query(
    `SELECT
       (SELECT count(*) FROM pansegnet.study
        WHERE state IN ('done', 'skipped', 'failed') AND changed_at >= $1)::int AS ended,
       (SELECT percentile_cont(0.5) WITHIN GROUP (
          ORDER BY extract(epoch FROM finished_at - content_date_time))
        FROM pansegnet.study JOIN pansegnet.run USING (study_instance_uid)
        WHERE state = 'done' AND changed_at >= $1 AND finished_at >= $1 AND outcome = 'done')::float8
          AS "medianSeconds"`,
    [since],
  );
  return z.tuple([figuresRow]).parse(rows)[0];
}
