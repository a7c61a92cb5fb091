import { CodedError } from '../coded-error.ts';
import type { FailureCode } from '../pipeline/failures.ts';

/** Of the failures of a study, those that the queue finds. */
type QueueErrorCode = Extract<FailureCode, 'STUDY_CRASHES' | 'STUDY_TIMEOUT'>;

export class QueueError extends CodedError<QueueErrorCode> {}
