import { CodedError } from '../coded-error.ts';

/** Why a request was refused. The code is stable; the message is for people. */
const HTTP_ERROR_CODES = [
  'BAD_REQUEST', // malformed
  'UNAUTHENTICATED', // shows no credentials
  'CREDENTIALS_REFUSED', // shows some that are not accepted
  'FORBIDDEN', // by somebody whose role does not allow it
  'ORIGIN_REFUSED', // sent by a page of another site
  'HOST_REFUSED', // addressed to a name that the node does not go by
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'CONFLICT', // does not go with the state that it is about
  'NOT_ACCEPTABLE', // wants the answer in a form that there is not
  'MEDIA_TYPE', // its body has a form that is not taken
  'TOO_LARGE',
  'URL_TOO_LONG',
  'TOO_MANY_REQUESTS',
  'UNAVAILABLE', // cannot be done now; later it may
] as const;

export type HttpErrorCode = (typeof HTTP_ERROR_CODES)[number];

const STATUSES: Readonly<Record<HttpErrorCode, number>> = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  CREDENTIALS_REFUSED: 401,
  FORBIDDEN: 403,
  ORIGIN_REFUSED: 403,
  HOST_REFUSED: 421,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  NOT_ACCEPTABLE: 406,
  MEDIA_TYPE: 415,
  TOO_LARGE: 413,
  URL_TOO_LONG: 414,
  TOO_MANY_REQUESTS: 429,
  UNAVAILABLE: 503,
};

/** A request that is refused; thrown by a router, it becomes the answer. */
export class HttpError extends CodedError<HttpErrorCode> {
  readonly status: number;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.status = STATUSES[code];
  }
}
