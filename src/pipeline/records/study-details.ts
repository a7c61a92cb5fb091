import type { Sql } from '../database/sql.ts';
import { volumesOfStudy } from './history.ts';
import { decisionsOf, type SeriesDecision } from './run-log.ts';
import { findStudy, listStudies, type StudyRecord } from './study-log.ts';
import type { VolumeRecord } from './volume-record.ts';

/** All that is known of one study. */
export interface StudyDetails {
  readonly study: StudyRecord;
  /** What was decided about each of its series, and why. */
  readonly decisions: readonly SeriesDecision[];
  readonly volumes: readonly VolumeRecord[];
}

export async function studyDetails(sql: Sql, studyInstanceUid: string): Promise<StudyDetails | undefined> {
  const study = await findStudy(sql, studyInstanceUid);
  return study && withDetails(sql, study);
}

/** The studies whose state changed last come first. */
export async function latestStudies(
  sql: Sql,
  page: { limit: number; offset: number },
): Promise<StudyDetails[]> {
  const details: StudyDetails[] = [];
  for (const study of await listStudies(sql, page)) details.push(await withDetails(sql, study));
  return details;
}

async function withDetails(sql: Sql, study: StudyRecord): Promise<StudyDetails> {
  const decisions = await decisionsOf(sql, study.studyInstanceUid);
  const volumes = await volumesOfStudy(sql, study.studyInstanceUid);
  return { study, decisions, volumes };
}
