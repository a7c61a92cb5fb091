import { type DicomDataset, requiredText, texts } from '../dicom/reading/dataset.ts';
import { copied, isValid } from '../dicom/writing/value-rules.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';

/**
 * Identifying attributes: kept as they are, whatever a validator says; those of type 2 are written empty
 * where missing.
 */
const IDENTITY_TYPE_2 = [
  'PatientName', // PS3.3 C.7.1.1
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'StudyDate', // PS3.3 C.7.2.1
  'StudyTime',
  'ReferringPhysicianName',
  'StudyID',
  'AccessionNumber',
] as const;
const IDENTITY_OPTIONAL = ['IssuerOfPatientID'] as const;

/** Attributes of the same modules that may be left out: copied only where they are valid. */
const OPTIONAL = [
  'IssuerOfPatientIDQualifiersSequence', // PS3.3 C.7.1.1
  'PatientBirthTime',
  'OtherPatientIDsSequence',
  'OtherPatientNames',
  'EthnicGroup',
  'PatientComments',
  'QualityControlSubject',
  'IssuerOfAccessionNumberSequence', // PS3.3 C.7.2.1
  'StudyDescription',
  'PhysiciansOfRecord',
  'NameOfPhysiciansReadingStudy',
  'ProcedureCodeSequence',
  'AdmittingDiagnosesDescription', // PS3.3 C.7.2.2
  'PatientAge',
  'PatientSize',
  'PatientWeight',
  'Occupation',
  'AdditionalPatientHistory',
  'AdmissionID',
  'IssuerOfAdmissionIDSequence',
] as const;

/** De-identification (PS3.3 C.7.1.1): how it was done is needed where PatientIdentityRemoved is YES. */
const DEIDENTIFICATION = ['DeidentificationMethod', 'DeidentificationMethodCodeSequence'] as const;

/** PS3.3 C.7.1.3. */
const TRIAL_SUBJECT_REQUIRED = ['ClinicalTrialSponsorName', 'ClinicalTrialProtocolID'] as const;
const TRIAL_SUBJECT_ID = ['ClinicalTrialSubjectID', 'ClinicalTrialSubjectReadingID'] as const;
const TRIAL_TYPE_2 = ['ClinicalTrialProtocolName', 'ClinicalTrialSiteID', 'ClinicalTrialSiteName'] as const;
/** PS3.3 C.7.2.3. */
const TRIAL_STUDY = ['ClinicalTrialTimePointID', 'ClinicalTrialTimePointDescription'] as const;

export interface PatientAndStudy {
  readonly attributes: WritableDataset;
  /** What was left out, in words for the log; without values, which may identify. */
  readonly warnings: readonly string[];
}

/**
 * The patient and study modules of a source image, to be repeated in a result (PS3.3 C.7.1, C.7.2), character
 * by character. Optional attributes that no validator would accept are left out and named. Throws
 * DICOM_ATTRIBUTE where the source has no StudyInstanceUID.
 */
export function patientAndStudy(source: DicomDataset, name: string): PatientAndStudy {
  const attributes: Record<string, unknown> = {
    StudyInstanceUID: requiredText(source, 'StudyInstanceUID', name),
  };
  const leftOut: string[] = [];
  const takeValid = (keyword: string): void => {
    if (isValid(source, keyword)) attributes[keyword] = copied(source, keyword);
    else if (keyword in source) leftOut.push(keyword);
  };

  for (const keyword of IDENTITY_TYPE_2) attributes[keyword] = copied(source, keyword) ?? null;
  for (const keyword of IDENTITY_OPTIONAL) {
    const value = copied(source, keyword);
    if (value !== undefined) attributes[keyword] = value;
  }
  for (const keyword of OPTIONAL) takeValid(keyword);
  takeDeidentification(source, attributes, takeValid, leftOut);
  takeTrial(source, attributes, takeValid, leftOut);

  const warnings = leftOut.map(
    (keyword) => `${keyword} of ${name} is empty or invalid: left out of the result`,
  );
  return { attributes, warnings };
}

type Take = (keyword: string) => void;

function takeDeidentification(
  source: DicomDataset,
  attributes: Record<string, unknown>,
  takeValid: Take,
  leftOut: string[],
): void {
  for (const keyword of DEIDENTIFICATION) takeValid(keyword);
  if (!('PatientIdentityRemoved' in source)) return;
  const explained = DEIDENTIFICATION.some((keyword) => keyword in attributes);
  const removed = texts(source, 'PatientIdentityRemoved')[0];
  if (removed === 'NO' || (removed === 'YES' && explained)) attributes['PatientIdentityRemoved'] = removed;
  else leftOut.push('PatientIdentityRemoved');
}

/** The clinical trial modules are optional as wholes: one that lacks what it needs is left out as a whole. */
function takeTrial(
  source: DicomDataset,
  attributes: Record<string, unknown>,
  takeValid: Take,
  leftOut: string[],
): void {
  const all = [...TRIAL_SUBJECT_REQUIRED, ...TRIAL_SUBJECT_ID, ...TRIAL_TYPE_2, ...TRIAL_STUDY];
  if (!all.some((keyword) => keyword in source)) return;
  const complete =
    TRIAL_SUBJECT_REQUIRED.every((keyword) => isValid(source, keyword)) &&
    TRIAL_SUBJECT_ID.some((keyword) => isValid(source, keyword));
  if (!complete) {
    leftOut.push('Clinical Trial Subject');
    return;
  }
  for (const keyword of [...TRIAL_SUBJECT_REQUIRED, ...TRIAL_SUBJECT_ID]) {
    if (isValid(source, keyword)) takeValid(keyword);
  }
  for (const keyword of TRIAL_TYPE_2)
    attributes[keyword] = isValid(source, keyword) ? copied(source, keyword) : null;
  if (isValid(source, 'ClinicalTrialTimePointID')) for (const keyword of TRIAL_STUDY) takeValid(keyword);
}
