import { InstanceGone } from './dicom-error.ts';
import { DicomWebStatusError } from './web/errors.ts';

/** Not there, and gone (RFC 9110 sections 15.5.5 and 15.5.11). */
const GONE: ReadonlySet<number> = new Set([404, 410]);

/** Whether an archive, whatever it speaks, says that it does not have what was asked for. */
export const isGone = (error: unknown): boolean =>
  error instanceof InstanceGone || (error instanceof DicomWebStatusError && GONE.has(error.status));
