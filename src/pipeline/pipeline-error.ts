import { CodedError } from '../coded-error.ts';

/**
 * STAGE_TIMEOUT: a stage that waits for the archive, which the message names, took longer than it may.
 * STAGE_TOO_SLOW: one that computes did, or would. PATIENTS_MIXED: images of one study are of two patients.
 * CANDIDATE_INPUT: what a candidate is to be compared with is gone.
 */
export type PipelineErrorCode = 'STAGE_TIMEOUT' | 'STAGE_TOO_SLOW' | 'PATIENTS_MIXED' | 'CANDIDATE_INPUT';

export class PipelineError extends CodedError<PipelineErrorCode> {}
