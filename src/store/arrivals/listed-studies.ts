import { z } from 'zod';
import { orUndefined } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** The counts that the archive's list of studies gave when the study was last announced because of them. */
export interface ListedCounts {
  readonly studyInstanceUid: string;
  readonly counts: string;
  /** Whose the list said that it is (keyed hash); undefined: an earlier version kept none. */
  readonly patient: string | undefined;
  readonly announcedAt: Date;
}

const listedRow = z.object({
  studyInstanceUid: z.string(),
  counts: z.string(),
  patient: orUndefined(z.string()),
  announcedAt: z.date(),
});

/**
 * What is kept of these studies, by StudyInstanceUID; nothing of those that were never listed with counts.
 */
export async function listedCounts(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, ListedCounts>> {
  const rows = await sql.query(
    `SELECT study_instance_uid AS "studyInstanceUid", counts, patient, announced_at AS "announcedAt"
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

/** Nothing is kept of a patient who was erased. */
const ERASED = `EXISTS (SELECT 1 FROM pansegnet.study AS known
       WHERE known.study_instance_uid = uid AND known.erased_at IS NOT NULL)`;

export async function keepListedCounts(
  sql: Sql,
  counted: readonly Omit<ListedCounts, 'announcedAt'>[],
  announcedAt: Date,
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.listed_study (study_instance_uid, counts, patient, announced_at)
     SELECT uid, counts, CASE WHEN NOT ${ERASED} THEN patient END, $4
     FROM unnest($1::text[], $2::text[], $3::text[]) AS counted (uid, counts, patient)
     ON CONFLICT (study_instance_uid) DO UPDATE SET counts = EXCLUDED.counts, patient = EXCLUDED.patient,
       announced_at = EXCLUDED.announced_at`,
    [
      counted.map(({ studyInstanceUid }) => studyInstanceUid),
      counted.map(({ counts }) => counts),
      counted.map(({ patient }) => patient ?? null),
      announcedAt,
    ],
  );
}

/** Keeps whose studies are that are listed as before, for those of which it was not kept. */
export async function keepListedPatients(
  sql: Sql,
  listed: readonly Pick<ListedCounts, 'studyInstanceUid' | 'patient'>[],
): Promise<void> {
  if (listed.length === 0) return;
  await sql.query(
    `UPDATE pansegnet.listed_study SET patient = listed.patient
     FROM unnest($1::text[], $2::text[]) AS listed (uid, patient)
     WHERE study_instance_uid = uid AND listed_study.patient IS NULL AND NOT ${ERASED}`,
    [listed.map(({ studyInstanceUid }) => studyInstanceUid), listed.map(({ patient }) => patient ?? null)],
  );
}
