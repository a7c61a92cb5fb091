import type { Sql } from '../database/sql.ts';
import { type ReviewedVolume, withReviews } from './find-studies.ts';
import { volumesOfPatient } from './history.ts';
import type { Identity } from './same-person.ts';
import { headersOfPatient, type StudyHeader } from './study-header.ts';
import { identitiesOfPatient, identitiesOfPatients, isIdentified, unidentified } from './study-identity.ts';
import { type Comparability, comparabilityOf, type PatientVolumes, patientTrends } from './trends.ts';
import type { VolumeRecord } from './volume-record.ts';

/** All that is known of one patient. */
export interface PatientRecord {
  readonly patientKey: string;
  /** Oldest study first. */
  readonly volumes: readonly ReviewedVolume[];
  /** Of the patient's studies, also of those without a volume; by Study Instance UID. */
  readonly headers: ReadonlyMap<string, StudyHeader>;
  /** What is known of whose these studies are. */
  readonly identities: ReadonlyMap<string, Identity>;
  /** False where the PatientID is missing or a placeholder: the key is a study's own then. */
  readonly isIdentified: boolean;
}

/** Undefined where neither a volume nor a study has this key. */
export async function findPatient(sql: Sql, patientKey: string): Promise<PatientRecord | undefined> {
  const volumes = await withReviews(sql, await volumesOfPatient(sql, patientKey));
  const headers = await headersOfPatient(sql, patientKey);
  if (volumes.length === 0 && headers.size === 0) return undefined;
  const identities = await identitiesOfPatient(sql, patientKey);
  const [study = ''] = identities.keys();
  return { patientKey, volumes, headers, identities, isIdentified: await isIdentified(sql, study) };
}

/**
 * What tells which studies of some patients are compared, of each patient.
 * @param volumes all of these patients
 */
export async function comparedVolumes(sql: Sql, volumes: readonly VolumeRecord[]): Promise<PatientVolumes[]> {
  const byPatient = Map.groupBy(volumes, ({ patientKey }) => patientKey);
  const identities = await identitiesOfPatients(sql, [...byPatient.keys()]);
  const firstOf = (patientKey: string): string => identities.get(patientKey)?.keys().next().value ?? '';
  const nobodys = await unidentified(sql, [...byPatient.keys()].map(firstOf));
  return [...byPatient].map(([patientKey, own]) => ({
    volumes: own.map((volume) => ({ ...volume, review: null })),
    identities: identities.get(patientKey) ?? new Map(),
    isIdentified: !nobodys.has(firstOf(patientKey)),
  }));
}

/**
 * Whose each study is under its patient key, and which are not compared, as pages and API tell it.
 * @param volumes all of these patients
 */
export async function comparabilityOfVolumes(
  sql: Sql,
  volumes: readonly VolumeRecord[],
): Promise<ReadonlyMap<string, Comparability>> {
  const settings = { correctedCounts: false, repeatabilityPercent: {} };
  const patients = await comparedVolumes(sql, volumes);
  return comparabilityOf(patients.map((patient) => patientTrends(patient, settings)));
}
