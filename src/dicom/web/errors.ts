import {
  AnswerError,
  ConnectionError,
  pauseOf,
  type StatusDetails,
  StatusError,
} from '../../http-client/errors.ts';
import { DicomError } from '../dicom-error.ts';
import { MultipartError } from './multipart.ts';

/**
 * DICOM_WEB_STATUS with the HTTP status, so that callers can tell "not there" from "busy" from "not allowed".
 */
export class DicomWebStatusError extends DicomError {
  readonly status: number;
  /** How long the archive wants to be left alone (Retry-After, RFC 9110 section 10.2.3), in ms from now. */
  readonly retryAfterMs: number | undefined;

  /**
   * @param retryAfter value of the Retry-After header, where the archive sent one
   * @param said what else it said
   */
  constructor(url: string, status: number, retryAfter?: string, said: StatusDetails = {}) {
    super('DICOM_WEB_STATUS', `${url} answered with status ${status}${meaning(status, said)}`);
    this.status = status;
    this.retryAfterMs = pauseOf(retryAfter);
  }
}

function meaning(status: number, { location, text }: StatusDetails): string {
  const advice =
    location === undefined
      ? MEANING[status]
      : `a redirect to ${location}, which is not followed: ${REDIRECT_ADVICE}`;
  return `${advice === undefined ? '' : ` (${advice})`}${text === undefined ? '' : `: ${text}`}`;
}

const REDIRECT_ADVICE = 'configure that address, or, where it is a login page, check the credentials';

/** What an administrator most likely has to do about a status. */
const MEANING: Readonly<Record<number, string>> = {
  301: 'a redirect; configure the address that it points to',
  302: 'a redirect; often a login page: check the credentials',
  307: 'a redirect; configure the address that it points to',
  308: 'a redirect; configure the address that it points to',
  401: 'the archive wants credentials, or other ones',
  403: 'the archive does not allow this',
  404: 'not there; check the path of the DICOMweb address, and that the study is still in the archive',
  413: 'too large for the archive or a proxy before it',
};

/** What an administrator most likely has to do about an error of TLS, by Node's code for it. */
const TLS_ADVICE: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'set archive.ca to the certificate of the authority that signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'set archive.ca to the certificate of the authority that signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'set archive.ca to the certificate of the authority that signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'set archive.ca to that certificate itself',
  ERR_TLS_CERT_ALTNAME_INVALID: 'archive.url has to use a name that is in the certificate',
  CERT_HAS_EXPIRED: "the archive's certificate has to be renewed, or the clock of this machine is wrong",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the archive does not speak TLS there: http instead of https?',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the archive wants a client certificate: set archive.clientCertificate and archive.clientKey',
};

/**
 * What an error of an exchange with an archive means in DICOMweb: DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS,
 * DICOM_WEB_ANSWER. Any other error stays what it is.
 * @param url without credentials: it goes into the message
 */
export function archiveError(url: string, error: unknown): unknown {
  if (error instanceof StatusError) {
    return new DicomWebStatusError(url, error.status, error.details.retryAfter, error.details);
  }
  if (error instanceof ConnectionError) return unreachable(url, error);
  if (error instanceof MultipartError) return badAnswer(url, `the answer ${error.message}`, error);
  return error instanceof AnswerError ? badAnswer(url, error.message, error) : error;
}

/** The archive did not answer, or the connection broke: may pass. */
function unreachable(url: string, cause: ConnectionError): DicomError {
  const advice = TLS_ADVICE[cause.code ?? ''];
  const why = advice ? `${cause.message} (${advice})` : cause.message;
  return new DicomError('DICOM_WEB_UNREACHABLE', `${url}: ${why}`, { cause });
}

/** The archive answered, but not as DICOMweb says. */
export function badAnswer(url: string, why: string, cause?: unknown): DicomError {
  return new DicomError('DICOM_WEB_ANSWER', `${url}: ${why}`, { cause });
}
