import { z } from 'zod';
import { orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

const groupRow = z.object({
  /** Empty where the images do not say. */
  scanner: z.string(),
  class: z.string(),
  model: z.string(),
  /** Without its version. */
  modelName: z.string(),
});
/** What one scanner and one model gave in a stretch of time. */
const resultRow = groupRow.extend({
  results: z.int(),
  /** Of the results in which something was found; undefined where there is none. */
  medianMl: orUndefined(z.number()),
  lowerQuartileMl: orUndefined(z.number()),
  upperQuartileMl: orUndefined(z.number()),
  nothingFound: z.int(),
  corrected: z.int(),
  accepted: z.int(),
  rejected: z.int(),
  withdrawn: z.int(),
});
export interface QualityRow extends Readonly<z.output<typeof resultRow>> {
  /** How many results carry each flag. */
  readonly flags: Readonly<Record<string, number>>;
}

/** Studies of one scanner that gave no result. */
const refusalRow = z.object({
  scanner: z.string(),
  state: z.enum(['failed', 'skipped']),
  /** The stable code of the failure; empty for skipped studies. */
  errorCode: z.string(),
  studies: z.int(),
});
type RefusalRow = Readonly<z.output<typeof refusalRow>>;

export interface Quality {
  readonly rows: readonly QualityRow[];
  readonly refusals: readonly RefusalRow[];
}

/** Results made, and studies that ended without one, from the first moment to before the second. */
export async function qualityBetween(sql: Sql, from: Date, until: Date): Promise<Quality> {
  return { rows: await resultsBetween(sql, from, until), refusals: await refusalsBetween(sql, from, until) };
}

/** What the rows are by: scanner, class, model. */
const GROUP = `coalesce(scanner, '') AS scanner, volume.class, model_name || ' ' || model_version AS model,
  model_name AS "modelName"`;
const MADE_BETWEEN = `FROM pansegnet.volume LEFT JOIN pansegnet.study_header USING (study_instance_uid)`;
/** What was measured of earlier years says nothing of the month in which that was done. */
const WHERE = 'WHERE content_date_time >= $1 AND content_date_time < $2 AND NOT history_alone';

const flagRow = groupRow.extend({ flag: z.string(), results: z.int() });

async function resultsBetween(sql: Sql, from: Date, until: Date): Promise<QualityRow[]> {
  const quantile = (share: number) =>
    `percentile_cont(${share}) WITHIN GROUP (ORDER BY volume_ml) FILTER (WHERE seg IS NOT NULL)`;
  const rows = await sql.query(
    `SELECT ${GROUP}, count(*)::int AS results,
       ${quantile(0.5)} AS "medianMl", ${quantile(0.25)} AS "lowerQuartileMl",
       ${quantile(0.75)} AS "upperQuartileMl",
       (count(*) FILTER (WHERE seg IS NULL))::int AS "nothingFound",
       count(correction)::int AS corrected, count(withdrawn)::int AS withdrawn,
       (count(*) FILTER (WHERE decision = 'accepted'))::int AS accepted,
       (count(*) FILTER (WHERE decision = 'rejected'))::int AS rejected
     ${MADE_BETWEEN}
     LEFT JOIN LATERAL (
       SELECT decision FROM pansegnet.review WHERE report_sop_instance_uid = report->>'sopInstanceUid'
       ORDER BY review.id DESC LIMIT 1) AS latest ON true
     ${WHERE} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3`,
    [from, until],
  );
  const flags = await flagsBetween(sql, from, until);
  return rowsOf(resultRow, rows).map((row) => ({ ...row, flags: flags.get(groupKey(row)) ?? {} }));
}

const groupKey = (row: z.infer<typeof groupRow>): string =>
  JSON.stringify([row.scanner, row.class, row.model]);

/** How many results of each group carry each flag. */
async function flagsBetween(
  sql: Sql,
  from: Date,
  until: Date,
): Promise<ReadonlyMap<string, Record<string, number>>> {
  const rows = await sql.query(
    `SELECT ${GROUP}, flag, count(*)::int AS results ${MADE_BETWEEN}
     CROSS JOIN LATERAL jsonb_array_elements_text(flags) AS flag
     ${WHERE} GROUP BY 1, 2, 3, 4, 5 ORDER BY 5`,
    [from, until],
  );
  const found = new Map<string, Record<string, number>>();
  for (const row of rowsOf(flagRow, rows)) {
    const key = groupKey(row);
    found.set(key, { ...found.get(key), [row.flag]: row.results });
  }
  return found;
}

async function refusalsBetween(sql: Sql, from: Date, until: Date): Promise<RefusalRow[]> {
  const rows = await sql.query(
    `SELECT coalesce(scanner, '') AS scanner, state, coalesce(error_code, '') AS "errorCode",
     count(*)::int AS studies
     FROM pansegnet.study LEFT JOIN pansegnet.study_header USING (study_instance_uid)
     WHERE state IN ('failed', 'skipped') AND changed_at >= $1 AND changed_at < $2
       AND study.source->>'kind' IS DISTINCT FROM 'earlier'
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [from, until],
  );
  return rowsOf(refusalRow, rows);
}
