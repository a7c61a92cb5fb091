import { DicomError } from '../dicom-error.ts';
import { DicomWebStatusError } from './errors.ts';

/** What archives answer to a parameter of a query that they do not know, or a value that they do not take. */
const REFUSED_QUERY: ReadonlySet<number> = new Set([400, 405, 406, 413, 414, 422, 431, 501]);

/** Whether the archive may answer the same question asked with other parameters. */
export function isRefusedQuery(error: unknown): boolean {
  return error instanceof DicomWebStatusError && REFUSED_QUERY.has(error.status);
}

/**
 * What archives answer to a service that they do not offer, or do not for what was asked for. 500 is among
 * them, as for some anything that was not thought of is.
 */
const NOT_OFFERED: ReadonlySet<number> = new Set([
  400, 404, 405, 406, 410, 411, 413, 414, 415, 416, 422, 500, 501,
]);

/**
 * Whether another service of the archive may give what this one did not: it was refused, or the answer is of
 * another kind. Not where the archive cannot be reached, is busy, or wants credentials.
 */
export function mayBeHadOtherwise(error: unknown): boolean {
  if (error instanceof DicomWebStatusError) return NOT_OFFERED.has(error.status);
  return error instanceof DicomError && error.code === 'DICOM_WEB_ANSWER';
}

/** Some archives answer 404 for what they do not have, others an empty list. */
export function isNotThere(error: unknown): boolean {
  return error instanceof DicomWebStatusError && error.status === 404;
}
