import { z } from 'zod';
import type { Sql } from '../database/sql.ts';
import { type AnnouncementSource, rankOf, sourceSchema } from './announcements.ts';

interface Remark {
  readonly studyInstanceUid: string;
  /** In plain words. */
  readonly reason: string;
  readonly now: Date;
}

const sourceRow = z.object({ source: sourceSchema.nullable() });

/** What is kept of how a study became known; `isNews`: something else than what was kept before. */
interface KnownSource {
  readonly source: AnnouncementSource;
  readonly isNews: boolean;
}

/**
 * Keeps how a study became known; of several ways, the one that says the most.
 * @returns what is kept. A command is obeyed, but tells nothing of where the study came from.
 */
export async function rememberSource(
  sql: Sql,
  studyInstanceUid: string,
  announced: AnnouncementSource,
): Promise<KnownSource> {
  if (announced.kind === 'command') return { source: announced, isNews: false };
  const rows = await sql.query('SELECT source FROM pansegnet.study WHERE study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  const kept = z.array(sourceRow).parse(rows)[0]?.source;
  if (kept && rankOf(kept) < rankOf(announced)) return { source: kept, isNews: false };
  const isNews = !kept || !isSame(kept, announced);
  if (isNews) {
    await sql.query('UPDATE pansegnet.study SET source = $2::jsonb WHERE study_instance_uid = $1', [
      studyInstanceUid,
      JSON.stringify(announced),
    ]);
  }
  return { source: announced, isNews };
}

/**
 * Lets the rules decide again about a study that they kept out: more is known of its sender now.
 * @returns whether it was such a study
 */
export async function reopenIgnored(
  sql: Sql,
  { studyInstanceUid, fingerprint, now }: Omit<Remark, 'reason'> & { readonly fingerprint: string },
): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.study SET state = 'seen', reason = NULL, queued_fingerprint = NULL, changed_at = $3
     WHERE study_instance_uid = $1 AND state = 'skipped' AND queued_fingerprint = $2
       AND processed_fingerprint IS DISTINCT FROM $2 RETURNING 1`,
    [studyInstanceUid, fingerprint, now],
  );
  return rows.length > 0;
}

/** Whether the study is of the years before the node came, and has arrived in no other way. */
export async function isEarlierStudy(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.study WHERE study_instance_uid = $1 AND source->>'kind' = 'earlier'`,
    [studyInstanceUid],
  );
  return rows.length > 0;
}

const isSame = (one: AnnouncementSource, other: AnnouncementSource): boolean =>
  one.kind === other.kind && one.callingAeTitle === other.callingAeTitle;

/**
 * The study is not to be processed with these counts; a study that waits in the queue or is worked on stays
 * there.
 */
export async function markIgnored(sql: Sql, mark: Remark & { readonly fingerprint: string }): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET queued_fingerprint = $2,
       state = CASE WHEN state IN ('queued', 'running') THEN state ELSE 'skipped' END,
       reason = CASE WHEN state IN ('queued', 'running') THEN reason ELSE $3 END,
       error_code = NULL, changed_at = $4
     WHERE study_instance_uid = $1`,
    [mark.studyInstanceUid, mark.fingerprint, mark.reason, mark.now],
  );
}

/** The study is complete, but its time has not come. */
export async function markDelayed(sql: Sql, mark: Remark): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET reason = $2, changed_at = $3
     WHERE study_instance_uid = $1 AND state = 'seen' AND reason IS DISTINCT FROM $2`,
    [mark.studyInstanceUid, mark.reason, mark.now],
  );
}

/** The study was announced again and again, and the archive does not have it. */
export async function markAbsent(sql: Sql, mark: Remark): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.study (study_instance_uid, state, reason, first_seen_at, changed_at)
     VALUES ($1, 'skipped', $2, $3, $3)
     ON CONFLICT (study_instance_uid) DO UPDATE SET state = 'skipped', reason = $2, changed_at = $3
     WHERE study.state = 'seen'`,
    [mark.studyInstanceUid, mark.reason, mark.now],
  );
}

/** The archive does not say what is in the study. A study that the node knows more of keeps its state. */
export async function markUnserved(sql: Sql, mark: Remark & { readonly errorCode: string }): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.study (study_instance_uid, state, reason, error_code, first_seen_at, changed_at)
     VALUES ($1, 'failed', $2, $3, $4, $4)
     ON CONFLICT (study_instance_uid) DO UPDATE SET
       state = 'failed', reason = $2, error_code = $3, changed_at = $4
     WHERE study.state = 'seen' OR (study.state = 'failed' AND study.requests = 0 AND study.reason <> $2)`,
    [mark.studyInstanceUid, mark.reason, mark.errorCode, mark.now],
  );
}

/** The archive says it again. */
export async function markServed(sql: Sql, mark: Omit<Remark, 'reason'>): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET state = 'seen', reason = NULL, error_code = NULL, changed_at = $2
     WHERE study_instance_uid = $1 AND state = 'failed' AND requests = 0`,
    [mark.studyInstanceUid, mark.now],
  );
}
