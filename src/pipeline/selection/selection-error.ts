import { CodedError } from '../../coded-error.ts';

/** Why nothing can be selected. The message names the file and the place in it, or the series. */
type SelectionErrorCode =
  | 'SELECTION_RULES' // the file of rules cannot be read or is not in its form
  | 'METADATA_FILE' // nor the file of studies
  | 'SERIES_NAMED'; // the series that was named cannot be taken

export class SelectionError extends CodedError<SelectionErrorCode> {}
