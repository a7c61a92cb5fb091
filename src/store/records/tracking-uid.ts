import { z } from 'zod';
import { deriveUid } from '../../dicom/uids.ts';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { digestsWith, identifyingParts, keyedDigests, type PatientIdentity } from './patient-key.ts';

const trackingRow = z.object({ uid: z.string().nullable() });

/**
 * Gives the tracking UID of a patient's pancreas: made of PatientID and issuer with a secret when the patient
 * is first met, and kept from then on. Undefined for patients of earlier versions: theirs is made of the
 * PatientID alone.
 * @param secret the site's, where several nodes are to give the same UIDs; null: the database's own
 */
export async function trackingUids(
  sql: Sql,
  patientKey: (patient: PatientIdentity) => string,
  placeholderIds: readonly string[],
  secret: string | null,
): Promise<(patient: PatientIdentity) => Promise<string | undefined>> {
  const digest = secret === null ? await keyedDigests(sql) : digestsWith(secret);
  const partsOf = identifyingParts(placeholderIds);
  return async (patient) => {
    const made = deriveUid('tracking', 'keyed', digest(['pancreas', ...partsOf(patient)]));
    const rows = await sql.query(
      `INSERT INTO pansegnet.tracking (patient_key, uid) VALUES ($1, $2)
       ON CONFLICT (patient_key) DO UPDATE SET uid = tracking.uid RETURNING uid`,
      [patientKey(patient), made],
    );
    return rowsOf(trackingRow, rows)[0]?.uid ?? undefined;
  };
}

/** The UID that a report in the archive gives a patient, who keeps it; one that is known already stays. */
export async function recordTrackingUid(sql: Sql, patientKey: string, uid: string): Promise<void> {
  await sql.query('INSERT INTO pansegnet.tracking VALUES ($1, $2) ON CONFLICT DO NOTHING', [patientKey, uid]);
}
