import type { NamedPatient } from '../../store/records/study-identity.ts';
import { differentPatients, recordIdentities } from '../../store/records/study-identity.ts';
import { PipelineError } from '../pipeline-error.ts';
import type { RunParts } from './run-parts.ts';

/**
 * Keeps what the images say of their patient, so that a look notices another.
 * @throws PipelineError PATIENTS_MIXED where they are of two; both are named by their keys
 */
export async function checkOnePatient(
  studyInstanceUid: string,
  patients: readonly NamedPatient[],
  { database, identities, patientKey, warn }: RunParts,
): Promise<void> {
  const two = differentPatients(patients, identities);
  const digests = patients.map((patient) => identities.digestOf(patient));
  await recordIdentities(database, studyInstanceUid, two ? [] : digests);
  if (!two) return;
  const [one = '', other = ''] = namesOf(two, studyInstanceUid, { patientKey, identities });
  warn({ studyInstanceUid, patients: [one, other] }, 'images of one study name two patients');
  throw new PipelineError(
    'PATIENTS_MIXED',
    `images of the study name two patients, ${one} and ${other}: nothing is measured until they are parted ` +
      'or merged in the archive',
  );
}

/** By their keys; two under one PatientID by hashes of all that is said of them. */
function namesOf(
  two: readonly NamedPatient[],
  studyInstanceUid: string,
  { patientKey, identities }: Pick<RunParts, 'patientKey' | 'identities'>,
): string[] {
  const keys = two.map((patient) => patientKey({ ...patient, studyInstanceUid }));
  return new Set(keys).size === two.length ? keys : two.map((patient) => identities.digestOf(patient));
}
