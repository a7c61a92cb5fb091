import { DicomError } from '../../dicom/dicom-error.ts';
import { ageInYears } from '../../dicom/reading/age.ts';
import { type DicomDataset, requiredText, text } from '../../dicom/reading/dataset.ts';
import type { AnnouncementSource } from '../../store/arrivals/announcements.ts';
import type { Sql } from '../../store/database/sql.ts';
import { hasPatientOptOuts, optOutReason } from '../../store/records/opt-out.ts';
import { type Admission, needsImage, route } from './route.ts';
import type { RoutingRule } from './rules.ts';

/** A complete study of which is asked whether it is to be processed. */
export interface StudyInQuestion {
  readonly studyInstanceUid: string;
  readonly source: AnnouncementSource;
  /** The series that the node did not write, as QIDO-RS lists them. */
  readonly series: readonly DicomDataset[];
  readonly now: Date;
}

/** Where one image of a series can be had, to see whose it is. */
export interface ImageSource {
  anyInstance(
    studyInstanceUid: string,
    seriesInstanceUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset | undefined>;
}

export interface AdmissionParts {
  readonly database: Sql;
  readonly rules: readonly RoutingRule[];
  readonly archive: ImageSource;
}

/** Of series whose images say whose a study is. */
export const IMAGE_MODALITIES: readonly (string | undefined)[] = ['CT', 'MR'];

/**
 * Asks the opt-out list, then the routing rules. What the archive has to be asked for (whose the study is,
 * the age, the station) is read from one image, and only where the list or a rule needs it. The function
 * throws DicomError DICOM_WEB_ANSWER where a rule needs an image and the archive names none.
 */
export function createAdmission({ database, rules, archive }: AdmissionParts) {
  const rulesNeedImage = rules.some(needsImage);
  return async (
    { studyInstanceUid, source, series, now }: StudyInQuestion,
    signal?: AbortSignal,
  ): Promise<Admission> => {
    const isCommand = source.kind === 'command';
    const needed = rulesNeedImage && !isCommand;
    const wantsImage = needed || (await hasPatientOptOuts(database));
    const image = wantsImage ? await imageOf(archive, studyInstanceUid, series, signal) : undefined;
    if (needed && !image) {
      // Its lists may lag behind: a rule must not decide without what it asks for.
      throw new DicomError('DICOM_WEB_ANSWER', `the archive names no instance of study ${studyInstanceUid}`);
    }
    const patients = image
      ? [{ patientId: text(image, 'PatientID'), issuer: text(image, 'IssuerOfPatientID') }]
      : [];
    const optedOut = await optOutReason(database, studyInstanceUid, patients);
    if (optedOut) return { action: 'ignore', reason: optedOut };
    if (isCommand) return { action: 'process' };
    const facts = {
      source,
      modalities: series.flatMap((one) => text(one, 'Modality') ?? []),
      ageYears: image && ageInYears(image),
      stationName: image && text(image, 'StationName'),
      institution: image && text(image, 'InstitutionName'),
    };
    return route(rules, facts, now);
  };
}

/** An image of the first CT or MR series; where there is none, an instance of the first series. */
async function imageOf(
  archive: AdmissionParts['archive'],
  studyInstanceUid: string,
  series: readonly DicomDataset[],
  signal?: AbortSignal,
): Promise<DicomDataset | undefined> {
  const chosen = series.find((one) => IMAGE_MODALITIES.includes(text(one, 'Modality'))) ?? series[0];
  if (!chosen) return undefined;
  const uid = requiredText(chosen, 'SeriesInstanceUID', `a series of study ${studyInstanceUid}`);
  return archive.anyInstance(studyInstanceUid, uid, signal);
}
