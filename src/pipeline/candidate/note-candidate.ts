import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';
import { text } from '../../dicom/reading/dataset.ts';
import type { Database } from '../../store/database/sql.ts';
import { noteCandidate } from '../../store/records/candidates.ts';
import { findVolume } from '../../store/records/history.ts';
import { optOutKeys, optOutReason, type Patient } from '../../store/records/opt-out.ts';
import type { MeasuredVolume } from '../../store/records/volume-record.ts';
import { imagesDigest } from '../run/images-digest.ts';

/**
 * Notes that the images of a result are to be segmented by the candidate of their class too, where there is
 * one beside the model in use. Kept with it: which images exactly, what the model in use found, and a
 * reader's correction.
 * @param candidates the name of the candidate of each class
 */
export function candidateNotes(
  database: Database,
  candidates: Readonly<Record<string, string | null>>,
  now: () => Date,
): (result: MeasuredVolume, images: SeriesVolume) => Promise<void> {
  return async ({ report, class: ofClass, model }, images) => {
    const candidate = candidates[ofClass] ?? null;
    if (candidate === null || candidate === model.name) return;
    const result = await findVolume(database, report.sopInstanceUid);
    if (!result) return;
    const { studyInstanceUid, seriesInstanceUid, part, correction } = result;
    const patients = patientsOf(images);
    if (await optOutReason(database, studyInstanceUid, patients)) return;
    const { volumeMl, voxelCount, intervalMl, flags, seg } = result;
    const noted = {
      studyInstanceUid,
      seriesInstanceUid,
      part,
      class: ofClass,
      candidate,
      report: result.report.sopInstanceUid,
      inUse: { model, volumeMl, voxelCount, intervalMl, flags, seg },
      images: await imagesDigest(images),
      correction: correction?.seg ?? null,
    };
    const how = { optOutKeys: await optOutKeys(database, patients), now: now() };
    await noteCandidate(database, noted, how);
  };
}

/** Everybody whom these images name. */
function patientsOf({ slices }: SeriesVolume): Patient[] {
  const patients = new Map<string, Patient>();
  for (const { dataset } of slices) {
    const patient = { patientId: text(dataset, 'PatientID'), issuer: text(dataset, 'IssuerOfPatientID') };
    patients.set(JSON.stringify(patient), patient);
  }
  return [...patients.values()];
}
