import { DicomError } from '../dicom-error.ts';

/** DICOM_WEB_STATUS with the HTTP status, so that callers can tell "not there" from "busy" from "not allowed". */
export class DicomWebStatusError extends DicomError {
  readonly status: number;
  /** How long the archive wants to be left alone (Retry-After, RFC 9110 section 10.2.3), in ms from now. */
  readonly retryAfterMs: number | undefined;

  /** @param retryAfter value of the Retry-After header, where the archive sent one */
  constructor(url: string, status: number, retryAfter?: string) {
    super('DICOM_WEB_STATUS', `${url} answered with status ${status}${MEANING[status] ?? ''}`);
    this.status = status;
    this.retryAfterMs = retryAfter === undefined ? undefined : pauseOf(retryAfter);
  }
}

/** A header that says more is wrong, or not meant for a service that has studies waiting. */
const LONGEST_PAUSE_MS = 3_600_000;

/** The header is a number of seconds or a date. */
function pauseOf(retryAfter: string): number | undefined {
  const value = retryAfter.trim();
  const pauseMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(pauseMs) ? undefined : Math.min(Math.max(0, pauseMs), LONGEST_PAUSE_MS);
}

/** What an administrator most likely has to do about a status. */
const MEANING: Readonly<Record<number, string>> = {
  301: ' (a redirect; configure the address that it points to)',
  302: ' (a redirect; often a login page: check the credentials)',
  307: ' (a redirect; configure the address that it points to)',
  308: ' (a redirect; configure the address that it points to)',
  401: ' (the archive wants credentials, or other ones)',
  403: ' (the archive does not allow this)',
  404: ' (not there; check the path of the DICOMweb address, and that the study is still in the archive)',
  413: ' (too large for the archive or a proxy before it)',
};

/** The archive did not answer, or the connection broke: may pass. */
export function unreachable(url: string, why: string, cause?: unknown): DicomError {
  return new DicomError('DICOM_WEB_UNREACHABLE', `${url}: ${why}`, { cause });
}

/** The archive answered, but not as DICOMweb says. */
export function badAnswer(url: string, why: string, cause?: unknown): DicomError {
  return new DicomError('DICOM_WEB_ANSWER', `${url}: ${why}`, { cause });
}
