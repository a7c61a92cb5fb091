import { z } from 'zod';
import { MODES } from '../../inference-mode.ts';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { REVIEW_DECISIONS } from './reviews.ts';

const model = z.object({
  name: z.string(),
  version: z.string(),
  sha256: z.string(),
  mode: z.enum(MODES),
});
const interval = z.object({ low: z.number(), high: z.number() }).nullable();
const reference = z.object({ seriesInstanceUid: z.string(), sopInstanceUid: z.string() });

/** What a model found in the images. */
const finding = z.object({
  model,
  volumeMl: z.number(),
  voxelCount: z.int(),
  intervalMl: interval,
  flags: z.array(z.string()).readonly(),
});

/** What the model in use found, and where that is stored; null where nothing was found. */
const inUseFinding = finding.extend({ seg: reference.nullable() });

const candidateFinding = finding.extend({
  /** Of both masks: 1 where both are empty. */
  dice: z.number(),
  /** Where a reader corrected the result: the Dice coefficient of each with the reader's mask. */
  corrected: z.object({ volumeMl: z.number(), candidateDice: z.number(), inUseDice: z.number() }).nullable(),
  /** Version of this program. */
  software: z.string(),
});
export type CandidateFinding = Readonly<z.output<typeof candidateFinding>>;

const notedRow = z.object({
  studyInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  /** Which part of the series; empty where the series is one volume. */
  part: z.string(),
  /** CT, T1W or T2W. */
  class: z.string(),
  /** The candidate's name. */
  candidate: z.string(),
  /** SOP Instance UID of the report of the result in use. */
  report: z.string(),
  inUse: inUseFinding,
  /** Digest of the images that the result in use was made of. */
  images: z.string(),
  /** The SEG of a reader who corrected the result. */
  correction: reference.nullable(),
});
/** Images that a candidate is to segment, and what it is to be compared with. */
export type NotedCandidate = Readonly<z.output<typeof notedRow>>;

/**
 * Notes that images are to be segmented by a candidate, once. What is known of the same images, the same
 * result and the same correction stays; what is known of others gives way.
 * @param how.optOutKeys see `optOutKeys`
 */
export async function noteCandidate(
  sql: Sql,
  noted: NotedCandidate,
  { optOutKeys, now }: { optOutKeys: readonly string[]; now: Date },
): Promise<void> {
  const isSame = `candidate_result.state <> 'failed' AND candidate_result.images = excluded.images
    AND candidate_result.in_use = excluded.in_use
    AND candidate_result.correction IS NOT DISTINCT FROM excluded.correction`;
  const keptOr = (column: string, otherwise: string) =>
    `${column} = CASE WHEN ${isSame} THEN candidate_result.${column} ELSE ${otherwise} END`;
  await sql.query(
    `INSERT INTO pansegnet.candidate_result (study_instance_uid, series_instance_uid, part, class, candidate,
       report, in_use, images, correction, opt_out_keys, state, version, tries, due_at, noted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9::jsonb, $11::jsonb, 'waiting', 1, 0, now(), $10)
     ON CONFLICT (series_instance_uid, part, candidate) DO UPDATE SET
       study_instance_uid = excluded.study_instance_uid, class = excluded.class, report = excluded.report,
       in_use = excluded.in_use, images = excluded.images, correction = excluded.correction,
       opt_out_keys = excluded.opt_out_keys,
       ${keptOr('state', "'waiting'")}, ${keptOr('version', 'candidate_result.version + 1')},
       ${keptOr('result', 'NULL')}, ${keptOr('reason', 'NULL')}, ${keptOr('error_code', 'NULL')},
       ${keptOr('tries', '0')}, ${keptOr('due_at', 'now()')}, ${keptOr('noted_at', 'excluded.noted_at')},
       ${keptOr('lease_until', 'NULL')}, ${keptOr('ended_at', 'NULL')}`,
    [
      noted.studyInstanceUid,
      noted.seriesInstanceUid,
      noted.part,
      noted.class,
      noted.candidate,
      noted.report,
      JSON.stringify(noted.inUse),
      noted.images,
      noted.correction && JSON.stringify(noted.correction),
      now,
      JSON.stringify(optOutKeys),
    ],
  );
}

const claimedRow = notedRow.extend({
  id: z.coerce.number(),
  version: z.int(),
  /** How often it was begun, this time included; what gave way to a study does not count. */
  tries: z.int(),
});
/** Images that a process is at; `id` and `version` name what it may write. */
export type ClaimedCandidate = Readonly<z.output<typeof claimedRow>>;

/** Which process is at it, and for how long without a word of it. */
export interface CandidateLease {
  readonly owner: string;
  readonly seconds: number;
}

const DUE = `state = 'waiting' AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())`;

/** Whether images are due for one of these candidates, and nobody is at them. */
export async function isCandidateDue(
  sql: Sql,
  candidates: readonly { readonly class: string; readonly name: string }[],
): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.candidate_result WHERE ${DUE}
       AND (class, candidate) IN (SELECT * FROM unnest($1::text[], $2::text[])) LIMIT 1`,
    [candidates.map((one) => one.class), candidates.map(({ name }) => name)],
  );
  return rows.length > 0;
}

/**
 * Takes the images that have waited longest for one of these candidates; undefined where none are due.
 * @param candidates the name of the candidate of each class
 */
export async function claimCandidate(
  sql: Sql,
  candidates: readonly { readonly class: string; readonly name: string }[],
  { owner, seconds }: CandidateLease,
): Promise<ClaimedCandidate | undefined> {
  const rows = await sql.query(
    `UPDATE pansegnet.candidate_result SET tries = tries + 1, lease_owner = $1,
       lease_until = now() + make_interval(secs => $2)
     WHERE id = (SELECT id FROM pansegnet.candidate_result
       WHERE ${DUE}
         AND (class, candidate) IN (SELECT * FROM unnest($3::text[], $4::text[]))
       ORDER BY due_at, id FOR UPDATE SKIP LOCKED LIMIT 1)
     RETURNING ${columnsOf(claimedRow)}`,
    [owner, seconds, candidates.map((one) => one.class), candidates.map(({ name }) => name)],
  );
  return rowsOf(claimedRow, rows)[0];
}

/** What a process may write on: what it claimed, and nobody noted anew or took over since. */
const OWN = `id = $1 AND version = $2 AND lease_owner = $3 AND state = 'waiting'`;
type Claim = Pick<ClaimedCandidate, 'id' | 'version'>;

/** Says that the process is at it still. */
export async function holdCandidate(
  sql: Sql,
  { id, version }: Claim,
  { owner, seconds }: CandidateLease,
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.candidate_result SET lease_until = now() + make_interval(secs => $4) WHERE ${OWN}`,
    [id, version, owner, seconds],
  );
}

/** Puts it back as it was, where something more urgent came. */
export async function releaseCandidate(sql: Sql, { id, version }: Claim, owner: string): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.candidate_result SET tries = tries - 1, lease_until = NULL WHERE ${OWN}`,
    [id, version, owner],
  );
}

/** Nobody else can be alive: what a process left that was killed can be taken at once. */
export async function releaseAllCandidates(sql: Sql): Promise<void> {
  await sql.query('UPDATE pansegnet.candidate_result SET lease_until = NULL');
}

/**
 * Writes what was found, once.
 * @returns false where it was erased, noted anew or taken over meanwhile: then nothing is written
 */
export async function finishCandidate(
  sql: Sql,
  { id, version }: Claim,
  owner: string,
  { result, now }: { result: CandidateFinding; now: Date },
): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.candidate_result SET state = 'done', result = $4::jsonb, reason = NULL,
       error_code = NULL, lease_until = NULL, ended_at = $5 WHERE ${OWN} RETURNING 1`,
    [id, version, owner, JSON.stringify(result), now],
  );
  return rows.length > 0;
}

/** That it failed, for good or to be tried again after a pause. */
export async function failCandidate(
  sql: Sql,
  { id, version }: Claim,
  owner: string,
  end: { reason: string; errorCode: string; again: false | { pauseSeconds: number }; now: Date },
): Promise<void> {
  const { reason, errorCode, again, now } = end;
  await sql.query(
    `UPDATE pansegnet.candidate_result SET state = $4, reason = $5, error_code = $6, lease_until = NULL,
       due_at = now() + make_interval(secs => $7), ended_at = $8 WHERE ${OWN}`,
    [
      id,
      version,
      owner,
      again ? 'waiting' : 'failed',
      reason.replaceAll('\0', ''),
      errorCode,
      again ? again.pauseSeconds : 0,
      again ? null : now,
    ],
  );
}

/** Nothing of these studies stays. */
export async function forgetCandidates(sql: Sql, studyInstanceUids: readonly string[]): Promise<void> {
  await sql.query('DELETE FROM pansegnet.candidate_result WHERE study_instance_uid = ANY($1::text[])', [
    studyInstanceUids,
  ]);
}

/** Nothing stays of whom the opt-out list names so: a Study Instance UID, or one of `optOutKeys`. */
export async function forgetOptedOut(sql: Sql, key: string): Promise<void> {
  await sql.query(
    'DELETE FROM pansegnet.candidate_result WHERE study_instance_uid = $1 OR opt_out_keys ? $1',
    [key],
  );
}

const comparedRow = notedRow.omit({ images: true }).extend({
  result: candidateFinding,
  /** As DICOM has it (YYYYMMDD), empty where it is not known. */
  studyDate: z.string(),
  /** The latest review of the result in use. */
  decision: orUndefined(z.enum(REVIEW_DECISIONS)),
});
/** What both models found in the same images. */
export type ComparedCandidate = Readonly<z.output<typeof comparedRow>>;

/** All that was compared and stands, in the order in which it was noted. */
export async function comparedCandidates(sql: Sql): Promise<ComparedCandidate[]> {
  const rows = await sql.query(
    `SELECT ${columnsOf(comparedRow.omit({ decision: true, studyDate: true }))}, decision,
       coalesce((SELECT study_date FROM pansegnet.study_header AS header
         WHERE header.study_instance_uid = candidate_result.study_instance_uid), '') AS "studyDate"
     FROM pansegnet.candidate_result LEFT JOIN LATERAL (
       SELECT decision FROM pansegnet.review WHERE report_sop_instance_uid = report
       ORDER BY review.id DESC LIMIT 1) AS latest ON true
     WHERE state = 'done' AND NOT EXISTS (
       SELECT 1 FROM pansegnet.volume
       WHERE volume.report->>'sopInstanceUid' = candidate_result.report AND withdrawn IS NOT NULL)
     ORDER BY id`,
  );
  return rowsOf(comparedRow, rows);
}

const openRow = z.object({
  class: z.string(),
  candidate: z.string(),
  waiting: z.int(),
  failed: z.int(),
  /** Why it failed last. */
  reason: orUndefined(z.string()),
});
/** How many images a candidate has yet to segment, and how many it could not. */
export type OpenCandidates = Readonly<z.output<typeof openRow>>;

export async function openCandidates(sql: Sql): Promise<OpenCandidates[]> {
  const rows = await sql.query(
    `SELECT class, candidate, (count(*) FILTER (WHERE state = 'waiting'))::int AS waiting,
       (count(*) FILTER (WHERE state = 'failed'))::int AS failed,
       (array_agg(reason ORDER BY ended_at DESC) FILTER (WHERE state = 'failed'))[1] AS reason
     FROM pansegnet.candidate_result WHERE state <> 'done' GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  return rowsOf(openRow, rows);
}
