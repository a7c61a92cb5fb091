import { causesOf, codeOf, messageOf } from '../coded-error.ts';
import type { DicomErrorCode } from '../dicom/dicom-error.ts';
import type { SegmentationErrorCode } from '../segmentation/segmentation-error.ts';
import type { StoreErrorCode } from '../store/store-error.ts';
import type { PipelineErrorCode } from './pipeline-error.ts';

/**
 * `passing`: worth another try later. `lasting`: the same input would fail the same way again. `once`: it
 * most likely would, unless other work held the machine; hours of computing are not spent a third time.
 */
type Nature = 'passing' | 'lasting' | 'once';
/** The queue imports this file, so its codes stand here. */
type QueueCode = 'STUDY_CRASHES' | 'STUDY_TIMEOUT';
export type FailureCode =
  | DicomErrorCode
  | SegmentationErrorCode
  | StoreErrorCode
  | PipelineErrorCode
  | QueueCode;

/** What each error code means for a study. The one place that decides what is tried again. */
export const FAILURES: Readonly<Record<FailureCode, readonly [nature: Nature, words: string]>> = {
  DICOM_UNREADABLE: ['lasting', 'an instance is not readable DICOM'],
  DICOM_ATTRIBUTE: ['lasting', 'an attribute that is needed is missing or wrong'],
  DICOM_TRANSFER_SYNTAX: ['lasting', 'the pixels are in a transfer syntax that cannot be decoded'],
  DICOM_GEOMETRY: ['lasting', 'the slices do not form one evenly spaced volume'],
  DICOM_WEB_UNREACHABLE: ['passing', 'the archive did not answer'],
  DICOM_WEB_STATUS: ['passing', 'the archive answered with an error'],
  // A proxy that shows its own page while the archive restarts gives this too.
  DICOM_WEB_ANSWER: ['passing', 'the archive gave an answer that cannot be used'],
  DICOM_STORE_INCOMPLETE: ['passing', 'the archive did not keep all results'],
  MODEL_MISSING: ['lasting', 'the model is not there'],
  MODEL_INVALID: ['lasting', 'the model is not usable'],
  MODEL_CHANGED: ['lasting', 'the model is not the one that was installed'],
  VOLUME_UNUSABLE: ['lasting', 'the images hold nothing that can be segmented'],
  // Most often other work is using the memory just now.
  INFERENCE_FAILED: ['passing', 'the network could not be run'],
  IMPORT_SOURCE: ['lasting', 'there is no training output to import'],
  IMPORT_TARGET: ['lasting', 'the imported model cannot be put in its place'],
  CHECKPOINT_UNREADABLE: ['lasting', 'the checkpoint is not readable'],
  CHECKPOINT_REFUSED: ['lasting', 'the checkpoint is not one to be trusted'],
  CHECKPOINT_ARCHITECTURE: ['lasting', 'the checkpoint is of another network'],
  CHECKPOINT_VALUES: ['lasting', 'the checkpoint holds values that are no numbers'],
  PLANS_INVALID: ['lasting', 'the plans cannot be used'],
  DATABASE_ABSENT: ['lasting', 'there is no database'],
  DATABASE_IN_USE: ['passing', 'the database is in use'],
  DATABASE_NEWER: ['lasting', 'the database belongs to a newer version'],
  DATABASE_UNUSABLE: ['passing', 'the database could not be used'],
  RESULT_UNKNOWN: ['lasting', 'there is no such result'],
  OPT_OUT_UNKNOWN: ['lasting', 'there is no such opt-out'],
  PATIENT_UNKNOWN: ['lasting', 'there is no such patient'],
  PATIENT_BUSY: ['passing', "the patient's studies are being worked on"],
  BACKUP_FAILED: ['lasting', 'a backup could not be made or restored'],
  ERASE_UNCONFIRMED: ['lasting', 'it was not confirmed'],
  WORK_UNCONFIRMED: ['lasting', 'it was not confirmed'],
  PLACEHOLDER_ID: ['lasting', 'the PatientID names nobody'],
  STUDY_UNKNOWN: ['lasting', 'there is no such study'],
  STUDY_CRASHES: ['lasting', 'the process ended again and again during work on this study'],
  STUDY_TIMEOUT: ['passing', 'the work took longer than it may'],
  PATIENTS_MIXED: ['lasting', 'the study is of two patients'],
  CANDIDATE_INPUT: ['lasting', 'the candidate cannot be compared with the model in use'],
  STAGE_TIMEOUT: ['passing', 'a stage of the work took longer than it may'],
  STAGE_TOO_SLOW: ['once', 'this machine is too slow for the work within its limit'],
};

/**
 * Statuses in the 400s that may pass: credentials that an administrator corrects (401, 403), request timeout,
 * too early, too many requests.
 */
const PASSING_CLIENT_STATUSES: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

/**
 * An error without a code may be a moment's trouble (a full disk, a lost socket): the retry limit ends it if
 * not.
 */
const UNEXPECTED = { code: 'UNEXPECTED', passing: true, words: 'something unexpected happened' };

export interface Failure {
  /** Stable; UNEXPECTED where the error has no code that is known here. */
  readonly code: string;
  readonly passing: boolean;
  /** How often it is tried again at most, whatever the queue allows; undefined: as the queue does. */
  readonly retriesAtMost?: number;
  /** For people: what it means, then what exactly happened. */
  readonly reason: string;
  /** The archive asked to be left alone for so long. */
  readonly retryAfterMs?: number | undefined;
}

const isKnown = (code: string): code is FailureCode => Object.hasOwn(FAILURES, code);

/** What a code means, for people. */
export const failureWords = (code: string): string => (isKnown(code) ? FAILURES[code][1] : UNEXPECTED.words);

/** What a thrown error means. Looks through causes until an error has a known code. */
export function describeFailure(error: unknown): Failure {
  for (const cause of causesOf(error)) {
    const code = codeOf(cause);
    if (code === undefined || !isKnown(code)) continue;
    const [nature, words] = FAILURES[code];
    const retryAfterMs = 'retryAfterMs' in cause ? cause.retryAfterMs : undefined;
    return {
      code,
      passing: nature !== 'lasting' && !isRefusal(cause),
      ...(nature === 'once' ? { retriesAtMost: 1 } : {}),
      reason: `${words}: ${messageOf(error)}`,
      ...(typeof retryAfterMs === 'number' && retryAfterMs > 0 ? { retryAfterMs } : {}),
    };
  }
  const { words, ...unexpected } = UNEXPECTED;
  return { ...unexpected, reason: `${words}: ${messageOf(error)}` };
}

/** Whether a status is lasting: the archive refuses this request, it is not just busy. */
function isRefusal(error: Error): boolean {
  if ('isLasting' in error && error.isLasting === true) return true; // a status of DIMSE
  if (!('status' in error) || typeof error.status !== 'number') return false;
  return error.status >= 400 && error.status < 500 && !PASSING_CLIENT_STATUSES.has(error.status);
}
