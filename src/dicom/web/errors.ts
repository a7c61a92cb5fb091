import { DicomError } from '../errors.ts';

/** DICOM_WEB_STATUS with the HTTP status, so that callers can tell "not there" from "busy" from "not allowed". */
export class DicomWebStatusError extends DicomError {
  readonly status: number;
  /** Value of the Retry-After header, where the archive sent one. */
  readonly retryAfter: string | undefined;

  constructor(url: string, status: number, retryAfter?: string) {
    super('DICOM_WEB_STATUS', `${url} answered with status ${status}${MEANING[status] ?? ''}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
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
