import type { Sql } from '../database/sql.ts';
import { type ReviewedVolume, withReviews } from './find-studies.ts';
import { volumesOfPatient } from './history.ts';
import { headersOfPatient, type StudyHeader } from './study-header.ts';

/** All that is known of one patient. */
export interface PatientRecord {
  readonly patientKey: string;
  /** Oldest study first. */
  readonly volumes: readonly ReviewedVolume[];
  /** Of the patient's studies, also of those without a volume; by Study Instance UID. */
  readonly headers: ReadonlyMap<string, StudyHeader>;
}

/** Undefined where neither a volume nor a study has this key. */
export async function findPatient(sql: Sql, patientKey: string): Promise<PatientRecord | undefined> {
  const volumes = await withReviews(sql, await volumesOfPatient(sql, patientKey));
  const headers = await headersOfPatient(sql, patientKey);
  return volumes.length === 0 && headers.size === 0 ? undefined : { patientKey, volumes, headers };
}
