import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** A patient whose earlier studies the archive is to be asked for. */
export interface EarlierSearch {
  readonly patientKey: string;
  /** The study that made the patient known. */
  readonly studyInstanceUid: string;
  readonly failures: number;
}

const answerForm = z.object({
  /** Studies that are to be processed. */
  taken: z.array(z.string()).readonly(),
  /** Studies that are not, and why, in plain words. */
  leftOut: z.array(z.object({ studyInstanceUid: z.string(), reason: z.string() })).readonly(),
});
/** What came of a search. */
export type EarlierAnswer = Readonly<z.output<typeof answerForm>>;

/** To be called when a study is done; a patient for whom it was called before is not asked about again. */
export async function wantEarlierStudies(
  sql: Sql,
  of: { patientKey: string; studyInstanceUid: string; now: Date },
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.earlier_search (patient_key, study_instance_uid, due_at)
     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [of.patientKey, of.studyInstanceUid, of.now],
  );
}

const searchRow = z.object({ patientKey: z.string(), studyInstanceUid: z.string(), failures: z.int() });

/** The search that has been due for longest; undefined where none is. */
export async function dueEarlierSearch(sql: Sql, now: Date): Promise<EarlierSearch | undefined> {
  const rows = await sql.query(
    `SELECT ${columnsOf(searchRow)} FROM pansegnet.earlier_search
     WHERE asked_at IS NULL AND due_at <= $1 ORDER BY due_at, patient_key LIMIT 1`,
    [now],
  );
  return rowsOf(searchRow, rows)[0];
}

/** @returns false where the search is over already, or its patient was erased: then its answer is nobody's */
export async function settleEarlierSearch(
  sql: Sql,
  { patientKey }: Pick<EarlierSearch, 'patientKey'>,
  { answer, now }: { answer: EarlierAnswer; now: Date },
): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.earlier_search SET asked_at = $2, answer = $3::jsonb
     WHERE patient_key = $1 AND asked_at IS NULL RETURNING 1`,
    [patientKey, now, JSON.stringify(answer)],
  );
  return rows.length > 0;
}

export async function postponeEarlierSearch(
  sql: Sql,
  { patientKey, failures }: EarlierSearch,
  dueAt: Date,
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.earlier_search SET due_at = $2, failures = $3
     WHERE patient_key = $1 AND asked_at IS NULL`,
    [patientKey, dueAt, failures + 1],
  );
}

const answerRow = z.object({ answer: orUndefined(answerForm) });

/** What came of the search for a patient's earlier studies; undefined where there was none yet. */
export async function earlierAnswer(sql: Sql, patientKey: string): Promise<EarlierAnswer | undefined> {
  const rows = await sql.query('SELECT answer FROM pansegnet.earlier_search WHERE patient_key = $1', [
    patientKey,
  ]);
  return rowsOf(answerRow, rows)[0]?.answer;
}

/** Of these studies the ones whose patient was erased since they were last worked on. */
export async function erasedStudies(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.query(
    `SELECT study_instance_uid AS uid FROM pansegnet.study
     WHERE study_instance_uid = ANY($1::text[]) AND erased_at IS NOT NULL`,
    [studyInstanceUids],
  );
  return new Set(rowsOf(uidRow, rows).map(({ uid }) => uid));
}

/**
 * Of these studies the ones that were not dealt with yet, nor erased, and of which nothing waits. One that
 * became known in another way, and failed or was kept out, is dealt with there.
 */
export async function studiesOpen(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.query(
    `SELECT uid FROM unnest($1::text[]) AS uid
     WHERE NOT EXISTS (SELECT 1 FROM pansegnet.study WHERE study_instance_uid = uid
         AND (processed_fingerprint IS NOT NULL OR erased_at IS NOT NULL
           OR state IN ('queued', 'running')
           OR (state IN ('failed', 'skipped') AND queued_fingerprint IS NOT NULL
             AND source->>'kind' IS DISTINCT FROM 'earlier')))
       AND NOT EXISTS (SELECT 1 FROM pansegnet.run
         WHERE study_instance_uid = uid AND outcome IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM pansegnet.volume WHERE study_instance_uid = uid)
       AND NOT EXISTS (SELECT 1 FROM pansegnet.announcement WHERE study_instance_uid = uid)`,
    [studyInstanceUids],
  );
  return new Set(rowsOf(uidRow, rows).map(({ uid }) => uid));
}
const uidRow = z.object({ uid: z.string() });

/** Of earlier studies that failed, or were kept out, all is decided again. */
export async function reopenEarlier(
  sql: Sql,
  studyInstanceUids: readonly string[],
  now: Date,
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET state = 'seen', reason = NULL, error_code = NULL, queued_fingerprint = NULL,
       changed_at = $2
     WHERE study_instance_uid = ANY($1::text[]) AND state IN ('failed', 'skipped') AND erased_at IS NULL
       AND source->>'kind' = 'earlier'`,
    [studyInstanceUids, now],
  );
}

/** How many earlier studies wait to be looked at. */
export async function earlierAnnounced(sql: Sql): Promise<number> {
  const rows = await sql.query(
    `SELECT count(*)::int AS count FROM pansegnet.announcement WHERE source->>'kind' = 'earlier'`,
  );
  return z.tuple([z.object({ count: z.int() })]).parse(rows)[0].count;
}
