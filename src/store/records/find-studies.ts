import type { Sql } from '../database/sql.ts';
import { type DecisionDetails, withDetails } from './decision-details.ts';
import { volumesOfStudies } from './history.ts';
import {
  type ListedStudies,
  listStudies,
  type StudyCounts,
  type StudyFilter,
  type StudyPage,
} from './listed-studies.ts';
import { progressOfStudies, type StudyProgress } from './progress-log.ts';
import { latestReviews, type Review } from './reviews.ts';
import { decisionsOfStudies, type RecordedDecision } from './run-log.ts';
import { headersOfStudies, type StudyHeader } from './study-header.ts';
import { STUDY_COLUMNS, type StudyRecord, studiesOf } from './study-log.ts';
import type { VolumeRecord } from './volume-record.ts';

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

export interface FoundStudies extends StudyCounts, Pick<ListedStudies, 'next'> {
  /** One page of them; those whose state changed last come first. */
  readonly studies: readonly StudyListing[];
}

export async function findStudies(sql: Sql, filter: StudyFilter, page: StudyPage): Promise<FoundStudies> {
  const { uids, ...counts } = await listStudies(sql, filter, page);
  const rows = await sql.query(
    `SELECT ${STUDY_COLUMNS} FROM pansegnet.study WHERE study_instance_uid = ANY ($1::text[])`,
    [uids],
  );
  const known = new Map(studiesOf(rows).map((study) => [study.studyInstanceUid, study]));
  return {
    ...counts,
    studies: await listings(
      sql,
      uids.flatMap((uid) => known.get(uid) ?? []),
    ),
  };
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
