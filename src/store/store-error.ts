import { CodedError } from '../coded-error.ts';

/** Why the database could not be used, or does not know what it was asked for. */
const STORE_ERROR_CODES = [
  'DATABASE_ABSENT', // there is none where it was looked for, and none may be made
  'DATABASE_IN_USE', // another process owns the database folder
  'DATABASE_NEWER', // written by a newer version of this program
  'DATABASE_UNUSABLE', // cannot be opened, or holds rows that the program does not understand
  'BACKUP_FAILED', // a backup could not be written, or is none
  'RESULT_UNKNOWN', // nothing of that name was recorded
  'OPT_OUT_UNKNOWN', // not on the list of those that opted out
  'PATIENT_UNKNOWN', // nothing is kept under this key
  'PATIENT_BUSY', // a study of the patient waits or is worked on
  'WORK_UNCONFIRMED', // nobody said that so much work is wanted
  'ERASE_UNCONFIRMED', // nobody said that it is really wanted
  'PLACEHOLDER_ID', // the PatientID names nobody
  'STUDY_UNKNOWN', // the study is not where it was looked for
] as const;

export type StoreErrorCode = (typeof STORE_ERROR_CODES)[number];

export class StoreError extends CodedError<StoreErrorCode> {}
