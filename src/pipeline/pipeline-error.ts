import { CodedError } from '../coded-error.ts';

/**
 * STAGE_TIMEOUT: a stage of the work, which the message names, took longer than it may. PATIENTS_MIXED:
 * images of one study are of two patients.
 */
export type PipelineErrorCode = 'STAGE_TIMEOUT' | 'PATIENTS_MIXED';

export class PipelineError extends CodedError<PipelineErrorCode> {}
