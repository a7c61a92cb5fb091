import { CodedError } from '../coded-error.ts';

/** Why a case, or all of them, could not be evaluated. The code is stable; the message is for people. */
const EVALUATION_ERROR_CODES = [
  'CASES_MISSING', // no labels in the folder, or a folder that cannot be read
  'CASES_AMBIGUOUS', // one name for several files, or several channels of one image
  'CASES_TABLE', // a CSV file that is not what it should be
  'CASES_FAILED', // the evaluation is there, but some cases are not in it
  'CASE_INCOMPLETE', // a label without image or prediction
  'CASE_MODEL', // no model for the modality of a case, or several
  'CASE_MEMORY', // the thread of the case was ended, by lack of memory for instance
  'LABEL_VALUES', // voxels that are not whole numbers from 0 on
  'GRID_DIFFERS', // masks that do not lie on one grid
  'GRID_SHEARED', // axes that do not stand at right angles: distances along them do not add up
] as const;

export type EvaluationErrorCode = (typeof EVALUATION_ERROR_CODES)[number];

export class EvaluationError extends CodedError<EvaluationErrorCode> {}
