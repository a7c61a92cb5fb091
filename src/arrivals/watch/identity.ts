import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, requiredText, text } from '../../dicom/reading/dataset.ts';
import { requestStudy } from '../../queue/request-study.ts';
import type { StudyQueue } from '../../queue/study-queue.ts';
import { markIgnored } from '../../store/arrivals/look-record.ts';
import { announceWrongComparisons } from '../../store/arrivals/wrong-comparisons.ts';
import type { Database } from '../../store/database/sql.ts';
import { volumesOfStudies } from '../../store/records/history.ts';
import { hasPatientOptOuts, optOutReason } from '../../store/records/opt-out.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import { comparesWrongly } from '../../store/records/report-priors.ts';
import type { RecordHeader } from '../../store/records/study-header.ts';
import {
  differentPatients,
  type IdentityReader,
  ignoredIdentities,
  moveVolumes,
  type NamedPatient,
  namedPatient,
  recordIdentities,
  recordIgnoredIdentities,
  recordNoticed,
  watchedIdentity,
} from '../../store/records/study-identity.ts';
import { findStudy, reopenStudy, wasErased } from '../../store/records/study-log.ts';
import { IMAGE_MODALITIES, type ImageSource } from '../routing/admission.ts';

export interface IdentityParts {
  readonly archive: ImageSource;
  readonly database: Database;
  readonly queue: Pick<StudyQueue, 'add' | 'wake'>;
  readonly identities: IdentityReader;
  readonly patientKey: (patient: PatientIdentity) => string;
  readonly recordHeader: RecordHeader;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** A study whose counts are known and dealt with. */
interface SettledStudy {
  readonly studyInstanceUid: string;
  readonly fingerprint: string;
  /** The series that the node did not write, as QIDO-RS lists them. */
  readonly series: readonly DicomDataset[];
  readonly now: Date;
}

/**
 * What became of it. `reopened`: all is to be decided again. `waiting`: it is in other hands just now, or the
 * queue takes nothing. Undefined: nothing has changed.
 */
type Noticed = 'queued' | 'ignored' | 'reopened' | 'waiting' | undefined;

export interface IdentityWatch {
  notice(study: SettledStudy, signal?: AbortSignal): Promise<Noticed>;
  /**
   * Keeps whose a study is that is not to be processed, where patients are on the opt-out list: another
   * patient's is asked about again.
   */
  keptOut(study: SettledStudy, signal?: AbortSignal): Promise<void>;
}

/** Failures and reasons that another identity ends. */
const MIXED = 'PATIENTS_MIXED';

/**
 * Notices that the archive says of a known study that it is another patient's, or says other things of the
 * patient: a merge, a correction. The history moves at once; the reports are made anew by a run that
 * segments nothing, and so are those that compare with what may be another person's. A study that an earlier
 * version processed has its identity recorded, and its volumes keyed by it, without a run.
 */
export function watchIdentities(parts: IdentityParts): IdentityWatch {
  const { archive, database, queue, identities, recordHeader } = parts;

  const notice: IdentityWatch['notice'] = async (study, signal) => {
    const { studyInstanceUid, now } = study;
    const known = await watchedIdentity(database, studyInstanceUid);
    const keptOut = await ignoredIdentities(database, studyInstanceUid);
    const state = (await findStudy(database, studyInstanceUid))?.state;
    // A study whose patient was erased is not asked about: nothing of the patient is to come back.
    if ((!known && !keptOut) || (await wasErased(database, studyInstanceUid)) || state === 'queued')
      return undefined;
    const [image] = await imagesOf(archive, study, 1, signal);
    if (!image) return undefined;
    const digest = identities.digestOf(namedPatient(image));
    if (keptOut) {
      if (keptOut.includes(digest)) return undefined;
      if (!known || (await volumesOfStudies(database, [studyInstanceUid])).length === 0) {
        await reopenStudy(database, studyInstanceUid, now);
        return 'reopened';
      }
      await recordIgnoredIdentities(database, studyInstanceUid, null);
    }
    if (!known) return undefined;
    if (known.identityKeys?.includes(digest)) {
      return (await comparesWrongly(database, studyInstanceUid)) ? restate(study) : undefined;
    }
    if (known.identityKeys === undefined) {
      await recordFirst(study, image, known.patientKey);
      return undefined;
    }
    // Who works on it may have read what it was.
    if (state === 'running') return 'waiting';

    const images = await imagesOf(archive, study, study.series.length, signal);
    const patients = [image, ...images].map(namedPatient);
    const all = [...new Set(patients.map((patient) => identities.digestOf(patient)))].sort().join(' ');
    if (all === known.noticedIdentity) return undefined;
    const two = differentPatients(patients, identities);
    const changed = two ? await refused(study, two) : await moved(study, image, patients, known.patientKey);
    if (changed !== 'waiting') await recordNoticed(database, studyInstanceUid, all);
    return changed;
  };

  /** Of what an earlier version processed. Where images name two patients, the volumes stay in place. */
  const recordFirst = async (study: SettledStudy, image: DicomDataset, from: string): Promise<void> => {
    const { studyInstanceUid } = study;
    const patient = namedPatient(image);
    const isMoved = parts.patientKey({ ...patient, studyInstanceUid }) !== from;
    const images = isMoved ? await imagesOf(archive, study, study.series.length) : [];
    if (differentPatients(images.map(namedPatient), identities) === undefined) await move(study, image, from);
    await recordIdentities(database, studyInstanceUid, [identities.digestOf(patient)]);
  };

  /** The run reads every image, refuses the study and says so. */
  const refused = async (study: SettledStudy, two: readonly NamedPatient[]): Promise<Noticed> => {
    const { studyInstanceUid } = study;
    const keys = two.map((patient) => parts.patientKey({ ...patient, studyInstanceUid }));
    const isOneKey = new Set(keys).size < two.length;
    const patients = isOneKey ? two.map((patient) => identities.digestOf(patient)) : keys;
    parts.log.warn({ studyInstanceUid, patients }, 'images of one study name two patients');
    return restate(study);
  };

  const moved = async (
    study: SettledStudy,
    image: DicomDataset,
    patients: readonly NamedPatient[],
    from: string,
  ): Promise<Noticed> => {
    const { studyInstanceUid, fingerprint, now } = study;
    const to = await move(study, image, from);
    parts.log.info(
      { studyInstanceUid, from, to },
      'the archive says something else of the patient of a study',
    );
    const optedOut = await optOutReason(database, studyInstanceUid, patients);
    if (optedOut) {
      const digests = patients.map((patient) => identities.digestOf(patient));
      await recordIgnoredIdentities(database, studyInstanceUid, digests);
      await markIgnored(database, { studyInstanceUid, fingerprint, reason: optedOut, now });
      return 'ignored';
    }
    const volumes = await volumesOfStudies(database, [studyInstanceUid]);
    // What is in the history alone has no report that could be made anew.
    if (volumes.some(({ historyAlone }) => !historyAlone)) return restate(study);
    const record = await findStudy(database, studyInstanceUid);
    if (record?.errorCode !== MIXED) return undefined;
    await reopenStudy(database, studyInstanceUid, now);
    return 'reopened';
  };

  /** @returns the patient key under which it is now */
  const move = async (study: SettledStudy, image: DicomDataset, from: string): Promise<string> => {
    const { studyInstanceUid, now } = study;
    const to = parts.patientKey({ ...namedPatient(image), studyInstanceUid });
    await recordHeader(studyInstanceUid, image);
    await moveVolumes(database, studyInstanceUid, to);
    await announceWrongComparisons(database, { studyInstanceUid, patientKeys: [from, to] }, now);
    return to;
  };

  const restate = async ({ studyInstanceUid, now }: SettledStudy): Promise<Noticed> => {
    const request = { studyInstanceUid, reason: 'restated', now } as const;
    return (await requestStudy({ database, queue }, request)) ? 'queued' : 'waiting';
  };

  return {
    notice,
    keptOut: async (study, signal) => {
      if (!(await hasPatientOptOuts(database))) return;
      const [image] = await imagesOf(archive, study, 1, signal);
      if (!image) return;
      const digests = [identities.digestOf(namedPatient(image))];
      await recordIgnoredIdentities(database, study.studyInstanceUid, digests);
    },
  };
}

/** An image of each CT or MR series, of any series where there is none of these; at most so many. */
async function imagesOf(
  archive: ImageSource,
  { studyInstanceUid, series }: SettledStudy,
  most: number,
  signal?: AbortSignal,
): Promise<DicomDataset[]> {
  const ofImages = series.filter((one) => IMAGE_MODALITIES.includes(text(one, 'Modality')));
  const images: DicomDataset[] = [];
  for (const one of (ofImages.length > 0 ? ofImages : series).slice(0, most)) {
    const uid = requiredText(one, 'SeriesInstanceUID', `a series of study ${studyInstanceUid}`);
    const image = await archive.anyInstance(studyInstanceUid, uid, signal).catch((error: unknown) => {
      // What an archive cannot answer does not hold up the look; the others are asked.
      if (error instanceof DicomError && error.code !== 'DICOM_WEB_UNREACHABLE') return undefined;
      throw error;
    });
    if (image) images.push(image);
  }
  return images;
}
