import type { Sql } from '../database/sql.ts';
import { volumesOfStudy } from './history.ts';
import { decisionsOf, type RecordedDecision } from './run-log.ts';
import { findStudy, type StudyRecord } from './study-log.ts';
import type { VolumeRecord } from './volume-record.ts';

/** All that is known of one study. */
export interface StudyDetails {
  readonly study: StudyRecord;
  /** What was decided about each of its series, and why. */
  readonly decisions: readonly RecordedDecision[];
  readonly volumes: readonly VolumeRecord[];
}

export async function studyDetails(sql: Sql, studyInstanceUid: string): Promise<StudyDetails | undefined> {
  const study = await findStudy(sql, studyInstanceUid);
  return study && withDetails(sql, study);
}

async function withDetails(sql: Sql, study: StudyRecord): Promise<StudyDetails> {
  const decisions = await decisionsOf(sql, study.studyInstanceUid);
  const volumes = await volumesOfStudy(sql, study.studyInstanceUid);
  return { study, decisions, volumes };
}
