import { CodedError } from '../coded-error.ts';

/**
 * STAGE_TIMEOUT: a stage of the work, which the message names, took longer than it may. PATIENTS_MIXED:
 * images of one study are of two patients. CANDIDATE_INPUT: what a candidate is to be compared with is gone.
 */
export type PipelineErrorCode = 'STAGE_TIMEOUT' | 'PATIENTS_MIXED' | 'CANDIDATE_INPUT';

export class PipelineError extends CodedError<PipelineErrorCode> {}
