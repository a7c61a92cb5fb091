import { z } from 'zod';
import type { Sql } from '../database/sql.ts';
import { type ReviewedVolume, withReviews } from './find-studies.ts';
import { volumesMadeIn } from './history.ts';
import { headersOfStudies } from './study-header.ts';

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
export interface RefusalRow {
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
  const volumes = await withReviews(sql, await volumesMadeIn(sql, from, until));
  const headers = await headersOfStudies(
    sql,
    volumes.map(({ studyInstanceUid }) => studyInstanceUid),
  );
  const groups = Map.groupBy(volumes, (volume) =>
    JSON.stringify([
      headers.get(volume.studyInstanceUid)?.scanner ?? '',
      volume.class,
      `${volume.model.name} ${volume.model.version}`,
    ]),
  );
  const rows = [...groups].map(([key, group]): QualityRow => {
    const [scanner = '', images = '', model = ''] = z.array(z.string()).parse(JSON.parse(key));
    return { scanner, class: images, model, ...summary(group) };
  });
  return {
    rows: rows.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)),
    refusals: await refusalsBetween(sql, from, until),
  };
}

const sortKey = (row: QualityRow): string => `${row.scanner} ${row.class} ${row.model}`;

function summary(group: readonly ReviewedVolume[]): Omit<QualityRow, 'scanner' | 'class' | 'model'> {
  const found = group
    .filter(({ seg }) => seg !== null)
    .map(({ volumeMl }) => volumeMl)
    .sort((a, b) => a - b);
  const flags: Record<string, number> = {};
  for (const flag of group.flatMap((one) => one.flags)) flags[flag] = (flags[flag] ?? 0) + 1;
  const count = (test: (volume: ReviewedVolume) => boolean) => group.filter(test).length;
  return {
    results: group.length,
    medianMl: quantile(found, 0.5),
    lowerQuartileMl: quantile(found, 0.25),
    upperQuartileMl: quantile(found, 0.75),
    nothingFound: group.length - found.length,
    flags,
    corrected: count(({ correction }) => correction !== null),
    accepted: count(({ review }) => review?.decision === 'accepted'),
    rejected: count(({ review }) => review?.decision === 'rejected'),
    withdrawn: count(({ withdrawn }) => withdrawn !== null),
  };
}

/** Linear between the two nearest of the sorted values. */
function quantile(sorted: readonly number[], share: number): number | undefined {
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  if (low === undefined || high === undefined) return undefined;
  return low + (high - low) * (place - Math.floor(place));
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
