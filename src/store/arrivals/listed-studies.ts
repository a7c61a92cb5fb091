import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

/** The counts that the archive's list of studies gave when the study was last announced because of them. */
export interface ListedCounts {
  readonly studyInstanceUid: string;
  readonly counts: string;
  readonly announcedAt: Date;
}

const listedRow = z.object({ studyInstanceUid: z.string(), counts: z.string(), announcedAt: z.date() });

/**
 * What is kept of these studies, by StudyInstanceUID; nothing of those that were never listed with counts.
 */
export async function listedCounts(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, ListedCounts>> {
  const rows = await sql.query(
    `SELECT study_instance_uid AS "studyInstanceUid", counts, announced_at AS "announcedAt"
     FROM pansegnet.listed_study WHERE study_instance_uid = ANY($1::text[])`,
    [studyInstanceUids],
  );
  return new Map(
    z
      .array(listedRow)
      .parse(rows)
      .map((row) => [row.studyInstanceUid, row]),
  );
}

export async function keepListedCounts(
  sql: Sql,
  counted: readonly Omit<ListedCounts, 'announcedAt'>[],
  announcedAt: Date,
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.listed_study (study_instance_uid, counts, announced_at)
     SELECT uid, counts, $3 FROM unnest($1::text[], $2::text[]) AS counted (uid, counts)
     ON CONFLICT (study_instance_uid) DO UPDATE SET counts = EXCLUDED.counts, announced_at =
     EXCLUDED.announced_at`,
    [
      counted.map(({ studyInstanceUid }) => studyInstanceUid),
      counted.map(({ counts }) => counts),
      announcedAt,
    ],
  );
}
