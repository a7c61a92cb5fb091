import { CodedError } from '../coded-error.ts';

/** What a command was given cannot be used. */
type InputErrorCode =
  | 'INPUT_MISSING'
  | 'INPUT_ZIP'
  | 'INPUT_SERIES'
  | 'INPUT_ORIENTATION'
  | 'INPUT_OVERWRITTEN';

export class InputError extends CodedError<InputErrorCode> {}
