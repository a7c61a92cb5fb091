import { CodedError } from '../coded-error.ts';

/** Why DICOM input or a DICOMweb exchange was refused. The code is stable; the message is for people. */
export const DICOM_ERROR_CODES = [
  'DICOM_UNREADABLE', // not DICOM, truncated, or corrupt
  'DICOM_ATTRIBUTE', // an attribute that geometry or identity needs is missing or wrong
  'DICOM_TRANSFER_SYNTAX', // no decoder for this transfer syntax
  'DICOM_GEOMETRY', // slices do not form one evenly spaced volume
  'DICOM_WEB_UNREACHABLE', // no answer, connection lost, time-out: may pass
  'DICOM_WEB_STATUS', // the archive answered with an error status
  'DICOM_WEB_ANSWER', // the archive's answer is not what DICOMweb says
  'DICOM_STORE_INCOMPLETE', // some instances were not stored, or are not there afterwards
] as const;

export type DicomErrorCode = (typeof DICOM_ERROR_CODES)[number];

export class DicomError extends CodedError<DicomErrorCode> {}

/** A data set is larger than may be read; more of it, or another try, would not change that. */
export class TooMuchToRead extends DicomError {}

/** The archive lists no such instance; one that speaks DICOMweb answers 404 instead. */
export class InstanceGone extends DicomError {
  constructor(sopInstanceUid: string) {
    super('DICOM_WEB_ANSWER', `the archive has no instance ${sopInstanceUid}`);
  }
}
