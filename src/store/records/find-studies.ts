import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { type DecisionDetails, withDetails } from './decision-details.ts';
import { volumesOfStudies } from './history.ts';
import { progressOfStudies, type StudyProgress } from './progress-log.ts';
import { latestReviews, type Review } from './reviews.ts';
import { decisionsOfStudies, type RecordedDecision } from './run-log.ts';
import { headersOfStudies, type StudyHeader } from './study-header.ts';
import { STUDY_COLUMNS, STUDY_STATES, type StudyRecord, type StudyState, studiesOf } from './study-log.ts';
import type { VolumeRecord } from './volume-record.ts';

export interface StudyFilter {
  readonly state?: StudyState | undefined;
  /** StudyDate from and to, both included: DA, YYYYMMDD. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** With a volume of this class: CT, T1W or T2W. */
  readonly class?: string | undefined;
  /** Each of them is in the name, an id, the description, the scanner or the UID; case does not matter. */
  readonly words?: string | undefined;
  /** Whose state changed at that time or later. */
  readonly changedSince?: Date | undefined;
}

/** What was decided about a series, with what is known of it. */
export type ListedDecision = RecordedDecision & DecisionDetails;

export interface StudyListing {
  readonly study: StudyRecord;
  /** Undefined for a study that no run has looked at yet. */
  readonly header: StudyHeader | undefined;
  readonly progress: StudyProgress | undefined;
  readonly decisions: readonly ListedDecision[];
  readonly volumes: readonly ReviewedVolume[];
}

export interface ReviewedVolume extends VolumeRecord {
  readonly review: Review | null;
}

export interface FoundStudies {
  /** One page of them; those whose state changed last come first. */
  readonly studies: readonly StudyListing[];
  /** All that the filter lets through. */
  readonly total: number;
  /** How many there would be in each state, were the filter without one. */
  readonly states: Readonly<Record<StudyState, number>>;
}

export async function findStudies(
  sql: Sql,
  filter: StudyFilter,
  page: { readonly limit: number; readonly offset: number },
): Promise<FoundStudies> {
  const { from, where, parameters } = conditions(filter);
  const states = await countStates(sql, from, where, parameters);
  const next = parameters.length;
  const rows = await sql.query(
    `SELECT ${STUDY_COLUMNS} FROM ${from}
     WHERE ${where} AND ($${next + 3}::text IS NULL OR state = $${next + 3})
     ORDER BY changed_at DESC, study_instance_uid LIMIT $${next + 1} OFFSET $${next + 2}`,
    [...parameters, page.limit, page.offset, filter.state ?? null],
  );
  const total = filter.state ? states[filter.state] : Object.values(states).reduce((a, b) => a + b, 0);
  return { studies: await listings(sql, studiesOf(rows)), total, states };
}

/** The UIDs of so many of them, in the same order. */
export async function findStudyUids(sql: Sql, filter: StudyFilter, limit: number): Promise<string[]> {
  const { from, where, parameters } = conditions(filter);
  const next = parameters.length;
  const rows = await sql.query(
    `SELECT study_instance_uid AS uid FROM ${from}
     WHERE ${where} AND ($${next + 1}::text IS NULL OR state = $${next + 1})
     ORDER BY changed_at DESC, study_instance_uid LIMIT $${next + 2}`,
    [...parameters, filter.state ?? null, limit],
  );
  return rowsOf(z.object({ uid: z.string() }), rows).map(({ uid }) => uid);
}

/** Everything about one study. */
export async function findStudyListing(
  sql: Sql,
  studyInstanceUid: string,
): Promise<StudyListing | undefined> {
  const rows = await sql.query(`SELECT ${STUDY_COLUMNS} FROM pansegnet.study WHERE study_instance_uid = $1`, [
    studyInstanceUid,
  ]);
  const known = studiesOf(rows);
  return (await listings(sql, known.length > 0 ? known : await fromHistory(sql, studyInstanceUid)))[0];
}

/**
 * A study that the history knows and the study log doesn't: the history was rebuilt from an archive's
 * reports.
 */
async function fromHistory(sql: Sql, studyInstanceUid: string): Promise<StudyRecord[]> {
  const times = (await volumesOfStudies(sql, [studyInstanceUid])).map((volume) => volume.contentDateTime);
  const [first] = times.sort();
  if (first === undefined) return [];
  const at = { firstSeenAt: new Date(first), changedAt: new Date(times.at(-1) ?? first) };
  return [{ studyInstanceUid, state: 'done', reason: undefined, errorCode: undefined, ...at }];
}

/** The volumes with what readers said of them. */
export async function withReviews(sql: Sql, volumes: readonly VolumeRecord[]): Promise<ReviewedVolume[]> {
  const reviews = await latestReviews(
    sql,
    volumes.map(({ report }) => report.sopInstanceUid),
  );
  return volumes.map((volume) => ({ ...volume, review: reviews.get(volume.report.sopInstanceUid) ?? null }));
}

async function listings(sql: Sql, studies: readonly StudyRecord[]): Promise<StudyListing[]> {
  const uids = studies.map(({ studyInstanceUid }) => studyInstanceUid);
  const headers = await headersOfStudies(sql, uids);
  const progress = await progressOfStudies(sql, uids);
  const decisions = await withDetails(sql, await decisionsOfStudies(sql, uids));
  const volumes = Map.groupBy(
    await withReviews(sql, await volumesOfStudies(sql, uids)),
    ({ studyInstanceUid }) => studyInstanceUid,
  );
  return studies.map((study) => ({
    study,
    header: headers.get(study.studyInstanceUid),
    progress: progress.get(study.studyInstanceUid),
    decisions: decisions.get(study.studyInstanceUid) ?? [],
    volumes: volumes.get(study.studyInstanceUid) ?? [],
  }));
}

/** All but the state, as SQL with its parameters. */
function conditions(filter: StudyFilter): { from: string; where: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  const where: string[] = ['true'];
  if (filter.changedSince) where.push(`changed_at >= ${parameter(filter.changedSince)}`);
  if (filter.from) where.push(`study_date >= ${parameter(filter.from)}`);
  if (filter.to) where.push(`study_date <= ${parameter(filter.to)} AND study_date <> ''`);
  if (filter.class) {
    where.push(`EXISTS (SELECT 1 FROM pansegnet.volume
      WHERE volume.study_instance_uid = study.study_instance_uid AND class = ${parameter(filter.class)})`);
  }
  const words = (filter.words ?? '').replaceAll('\0', ' ').toLowerCase().split(/\s+/);
  for (const word of words.filter(Boolean)) {
    // A study without a header has its UID alone to be found by.
    where.push(`coalesce(words, study_instance_uid) LIKE ${parameter(`%${literally(word)}%`)}`);
  }
  const from = 'pansegnet.study LEFT JOIN pansegnet.study_header USING (study_instance_uid)';
  return { from, where: where.join(' AND '), parameters };
}

/** Of LIKE's own characters, none means anything. */
const literally = (word: string): string => word.replaceAll(/[\\%_]/g, '\\$&');

async function countStates(
  sql: Sql,
  from: string,
  where: string,
  parameters: readonly unknown[],
): Promise<Record<StudyState, number>> {
  const rows = await sql.query(
    `SELECT state, count(*)::int AS studies FROM ${from} WHERE ${where} GROUP BY state`,
    parameters,
  );
  const counts: Record<StudyState, number> = {
    seen: 0,
    queued: 0,
    running: 0,
    done: 0,
    skipped: 0,
    failed: 0,
  };
  for (const { state, studies } of rowsOf(stateCount, rows)) counts[state] = studies;
  return counts;
}

const stateCount = z.object({ state: z.enum(STUDY_STATES), studies: z.int() });
