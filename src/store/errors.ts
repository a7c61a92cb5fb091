/** Why the pipeline could not do its work. The code is stable; the message is for people. */
export const PIPELINE_ERROR_CODES = [
  'DATABASE_IN_USE', // another process owns the database folder
  'DATABASE_NEWER', // written by a newer version of this program
  'DATABASE_UNUSABLE', // cannot be opened, or holds rows that the program does not understand
  'RESULT_UNKNOWN', // nothing of that name was recorded
  'OPT_OUT_UNKNOWN', // not on the list of those that opted out
  'STUDY_UNKNOWN', // the study is not where it was looked for
  'STUDY_CRASHES', // the process died again and again while it worked on this study
  'STUDY_TIMEOUT', // the work took longer than it may
  'STAGE_TIMEOUT', // a stage of the work, which the message names, took longer than it may
] as const;

export type PipelineErrorCode = (typeof PIPELINE_ERROR_CODES)[number];

export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code: PipelineErrorCode;

  constructor(code: PipelineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
