import { CodedError } from '../coded-error.ts';

/** STAGE_TIMEOUT: a stage of the work, which the message names, took longer than it may. */
export type PipelineErrorCode = 'STAGE_TIMEOUT';

export class PipelineError extends CodedError<PipelineErrorCode> {}
