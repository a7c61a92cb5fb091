import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

/** What one scanner and one model gave in a stretch of time. */
export interface QualityRow {
  /** Empty where the images do not say. */
  readonly scanner: string;
  readonly class: string;
  readonly model: string;
  readonly results: number;
  /** Of the results in which something was found; undefined where there is none. */
  readonly medianMl: number | undefined;
  readonly lowerQuartileMl: number | undefined;
  readonly upperQuartileMl: number | undefined;
  readonly nothingFound: number;
  /** How many results carry each flag. */
  readonly flags: Readonly<Record<string, number>>;
  readonly corrected: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly withdrawn: number;
}

/** Studies of one scanner that gave no result. */
interface RefusalRow {
  readonly scanner: string;
  readonly state: 'failed' | 'skipped';
  /** The stable code of the failure; empty for skipped studies. */
  readonly errorCode: string;
  readonly studies: number;
}

export interface Quality {
  readonly rows: readonly QualityRow[];
  readonly refusals: readonly RefusalRow[];
}

/** Results made, and studies that ended without one, from the first moment to before the second. */
export async function qualityBetween(sql: Sql, from: Date, until: Date): Promise<Quality> {
  return { rows: await resultsBetween(sql, from, until), refusals: await refusalsBetween(sql, from, until) };
}

/** What the rows are by: scanner, class, model. */
const GROUP = `coalesce(scanner, '') AS scanner, volume.class, model_name || ' ' || model_version AS model`;
const MADE_BETWEEN = `FROM pansegnet.volume LEFT JOIN pansegnet.study_header USING (study_instance_uid)`;
const WHERE = 'WHERE content_date_time >= $1 AND content_date_time < $2';

const groupRow = z.object({ scanner: z.string(), class: z.string(), model: z.string() });
const resultRow = groupRow.extend({
  results: z.int(),
  median: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  nothing_found: z.int(),
  corrected: z.int(),
  accepted: z.int(),
  rejected: z.int(),
  withdrawn: z.int(),
});
const flagRow = groupRow.extend({ flag: z.string(), results: z.int() });

async function resultsBetween(sql: Sql, from: Date, until: Date): Promise<QualityRow[]> {
  const quantile = (share: number) =>
    `percentile_cont(${share}) WITHIN GROUP (ORDER BY volume_ml) FILTER (WHERE seg IS NOT NULL)`;
  const rows = await sql.query(
    `SELECT ${GROUP}, count(*)::int AS results,
       ${quantile(0.5)} AS median, ${quantile(0.25)} AS lower, ${quantile(0.75)} AS upper,
       (count(*) FILTER (WHERE seg IS NULL))::int AS nothing_found,
       count(correction)::int AS corrected, count(withdrawn)::int AS withdrawn,
       (count(*) FILTER (WHERE decision = 'accepted'))::int AS accepted,
       (count(*) FILTER (WHERE decision = 'rejected'))::int AS rejected
     ${MADE_BETWEEN}
     LEFT JOIN LATERAL (
       SELECT decision FROM pansegnet.review WHERE report_sop_instance_uid = report->>'sopInstanceUid'
       ORDER BY review.id DESC LIMIT 1) AS latest ON true
     ${WHERE} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [from, until],
  );
  const flags = await flagsBetween(sql, from, until);
  return z
    .array(resultRow)
    .parse(rows)
    .map((row) => ({
      scanner: row.scanner,
      class: row.class,
      model: row.model,
      results: row.results,
      medianMl: row.median ?? undefined,
      lowerQuartileMl: row.lower ?? undefined,
      upperQuartileMl: row.upper ?? undefined,
      nothingFound: row.nothing_found,
      flags: flags.get(groupKey(row)) ?? {},
      corrected: row.corrected,
      accepted: row.accepted,
      rejected: row.rejected,
      withdrawn: row.withdrawn,
    }));
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
     ${WHERE} GROUP BY 1, 2, 3, 4 ORDER BY 4`,
    [from, until],
  );
  const found = new Map<string, Record<string, number>>();
  for (const row of z.array(flagRow).parse(rows)) {
    const key = groupKey(row);
    found.set(key, { ...found.get(key), [row.flag]: row.results });
  }
  return found;
}

const refusalRow = z
  .object({
    scanner: z.string(),
    state: z.enum(['failed', 'skipped']),
    error_code: z.string(),
    studies: z.int(),
  })
  .transform(
    ({ error_code, ...row }): RefusalRow => ({
      ...row,
      errorCode: error_code,
    }),
  );

async function refusalsBetween(sql: Sql, from: Date, until: Date): Promise<RefusalRow[]> {
  const rows = await sql.query(
    `SELECT coalesce(scanner, '') AS scanner, state, coalesce(error_code, '') AS error_code, count(*)::int AS studies
     FROM pansegnet.study LEFT JOIN pansegnet.study_header USING (study_instance_uid)
     WHERE state IN ('failed', 'skipped') AND changed_at >= $1 AND changed_at < $2
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [from, until],
  );
  return z.array(refusalRow).parse(rows);
}
