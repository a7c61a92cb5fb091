import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** What is known of each study: where it stands and why. All times are given, never read from the clock. */
export const STUDY_STATES = ['seen', 'queued', 'running', 'done', 'skipped', 'failed'] as const;
export type StudyState = (typeof STUDY_STATES)[number];

const studyRow = z.object({
  studyInstanceUid: z.string(),
  state: z.enum(STUDY_STATES),
  /** In plain words: why it was skipped, why it failed, or why it is tried again. */
  reason: orUndefined(z.string()),
  /** The stable code of the failure, where there was one. */
  errorCode: orUndefined(z.string()),
  firstSeenAt: z.date(),
  changedAt: z.date(),
});
export type StudyRecord = Readonly<z.output<typeof studyRow>>;
export const STUDY_COLUMNS = columnsOf(studyRow);
export const studiesOf = (rows: readonly unknown[]): StudyRecord[] => rowsOf(studyRow, rows);

export async function findStudy(sql: Sql, studyInstanceUid: string): Promise<StudyRecord | undefined> {
  const rows = await sql.query(`SELECT ${STUDY_COLUMNS} FROM pansegnet.study WHERE study_instance_uid = $1`, [
    studyInstanceUid,
  ]);
  return studiesOf(rows)[0];
}

const lookRow = z.object({
  /** Since when looks have found these counts; undefined at the first look that finds them. */
  sameSince: orUndefined(z.date()),
  /** These counts were queued or processed already: there is nothing to do. */
  settled: z.boolean(),
});
export type Look = Readonly<z.output<typeof lookRow>>;

/** Remembers what a look at the archive found in a study. */
export async function lookAtStudy(
  sql: Sql,
  { studyInstanceUid, fingerprint, now }: { studyInstanceUid: string; fingerprint: string; now: Date },
): Promise<Look> {
  const rows = await sql.query(
    `SELECT CASE WHEN seen_fingerprint = $2 THEN seen_since END AS "sameSince",
            coalesce(queued_fingerprint = $2, false) OR coalesce(processed_fingerprint = $2, false) AS settled
     FROM pansegnet.study WHERE study_instance_uid = $1`,
    [studyInstanceUid, fingerprint],
  );
  const [known] = rowsOf(lookRow, rows);
  if (!known?.sameSince) {
    await sql.query(
      `INSERT INTO pansegnet.study
         (study_instance_uid, state, seen_fingerprint, seen_since, first_seen_at, changed_at)
       VALUES ($1, 'seen', $2, $3, $3, $3)
       ON CONFLICT (study_instance_uid) DO UPDATE SET seen_fingerprint = $2, seen_since = $3`,
      [studyInstanceUid, fingerprint, now],
    );
  }
  return known ?? { sameSince: undefined, settled: false };
}

/**
 * Whether these counts were queued or processed already. Holds the study until the transaction ends: two
 * looks take turns.
 */
export async function isSettled(sql: Sql, studyInstanceUid: string, fingerprint: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT coalesce(queued_fingerprint = $2, false) OR coalesce(processed_fingerprint = $2, false) AS settled
     FROM pansegnet.study WHERE study_instance_uid = $1 FOR UPDATE`,
    [studyInstanceUid, fingerprint],
  );
  return rowsOf(lookRow.pick({ settled: true }), rows)[0]?.settled ?? false;
}

/**
 * The study is in the queue; where a look decided that, for these counts.
 * @param mark.isNew false where it waited there before, for one of the earlier requests
 */
export async function markQueued(
  sql: Sql,
  mark: { studyInstanceUid: string; fingerprint?: string; isNew: boolean; now: Date },
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.study
       (study_instance_uid, state, queued_fingerprint, requests, first_seen_at, changed_at)
     VALUES ($1, 'queued', $2, $3, $4, $4)
     ON CONFLICT (study_instance_uid) DO UPDATE SET
       state = 'queued', reason = NULL, error_code = NULL, changed_at = $4,
       requests = study.requests + $3,
       queued_fingerprint = coalesce($2, study.queued_fingerprint)`,
    [mark.studyInstanceUid, mark.fingerprint ?? null, mark.isNew ? 1 : 0, mark.now],
  );
}

/** Work on the study begins: it answers every request made so far. */
export async function markRunning(
  sql: Sql,
  { studyInstanceUid, now }: { studyInstanceUid: string; now: Date },
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.study (study_instance_uid, state, first_seen_at, changed_at)
     VALUES ($1, 'running', $2, $2)
     ON CONFLICT (study_instance_uid) DO UPDATE SET
       state = 'running', reason = NULL, error_code = NULL, changed_at = $2,
       answered_requests = study.requests, erased_at = NULL`,
    [studyInstanceUid, now],
  );
}

export interface StudyEnd {
  readonly studyInstanceUid: string;
  readonly state: 'done' | 'skipped' | 'failed';
  readonly reason?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly now: Date;
}

/** Work on the study has ended. A study that was asked for again in the meantime is still in the queue. */
export async function markEnded(sql: Sql, end: StudyEnd): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET
       state = CASE WHEN requests > answered_requests THEN 'queued' ELSE $2 END,
       reason = $3, error_code = $4, changed_at = $5
     WHERE study_instance_uid = $1`,
    [end.studyInstanceUid, end.state, end.reason ?? null, end.errorCode ?? null, end.now],
  );
}

/** Work on the study failed, or was cut off, and will be tried again. */
export async function markWaiting(
  sql: Sql,
  wait: { studyInstanceUid: string; reason: string; errorCode: string | undefined; now: Date },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET state = 'queued', reason = $2, error_code = $3, changed_at = $4
     WHERE study_instance_uid = $1`,
    [wait.studyInstanceUid, wait.reason, wait.errorCode ?? null, wait.now],
  );
}

/** The studies whose work ended at that time or later, well or not; the first to end first. */
export async function studiesEndedSince(sql: Sql, since: Date): Promise<string[]> {
  const rows = await sql.query(
    `SELECT study_instance_uid AS "studyInstanceUid" FROM pansegnet.study
     WHERE state IN ('done', 'failed') AND changed_at >= $1 ORDER BY changed_at`,
    [since],
  );
  return z
    .array(z.object({ studyInstanceUid: z.string() }))
    .parse(rows)
    .map(({ studyInstanceUid }) => studyInstanceUid);
}

/** What was decided about the study is decided again: for the counts that a look finds now. */
export async function reopenStudy(sql: Sql, studyInstanceUid: string, now: Date): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET state = 'seen', reason = NULL, error_code = NULL, changed_at = $2,
       queued_fingerprint = NULL, processed_fingerprint = NULL, ignored_identities = NULL
     WHERE study_instance_uid = $1`,
    [studyInstanceUid, now],
  );
}

/**
 * Of a study whose patient was erased, and whose images no run had dealt with: those that there are now are,
 * so that nothing but a person or new images brings them back.
 */
export async function settleErased(
  sql: Sql,
  { studyInstanceUid, fingerprint }: { studyInstanceUid: string; fingerprint: string },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET processed_fingerprint = coalesce(seen_fingerprint, $2)
     WHERE study_instance_uid = $1 AND erased_at IS NOT NULL AND processed_fingerprint IS NULL`,
    [studyInstanceUid, fingerprint],
  );
}

/** As `wasErased`; holds the study until the transaction ends, so that nobody erases it meanwhile. */
export async function isErased(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(
    'SELECT erased_at IS NOT NULL AS erased FROM pansegnet.study WHERE study_instance_uid = $1 FOR UPDATE',
    [studyInstanceUid],
  );
  return rows[0]?.['erased'] === true;
}

/** Whether the patient of the study was erased since it was last worked on. */
export async function wasErased(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(
    'SELECT 1 FROM pansegnet.study WHERE study_instance_uid = $1 AND erased_at IS NOT NULL',
    [studyInstanceUid],
  );
  return rows.length > 0;
}
