/**
 * No answer: no connection, a broken one, or nothing within the time limits. Messages of all of these hold no
 * address.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Node's code of the error behind it, such as ECONNREFUSED. */
  readonly code: string | undefined;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  }
}

/** @param error of a socket, or of the streams on it */
export function connectionError(error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error;
  // Several addresses were tried (IPv6 and IPv4): an AggregateError without a message of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error) || first.message === '') return new ConnectionError('no connection', first);
  const isBroken =
    first.message === 'aborted' || ('code' in first && first.code === 'ERR_STREAM_PREMATURE_CLOSE');
  return new ConnectionError(
    isBroken ? 'connection closed in the middle of the answer' : first.message,
    first,
  );
}

/** An answer came, but its body cannot be used: too large, or not what its head says. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** What an answer with a status that was not asked for says beside it. */
export interface StatusDetails {
  /** Value of Retry-After. */
  readonly retryAfter?: string | undefined;
  /** Where a redirect points to, without credentials and query. */
  readonly location?: string | undefined;
  /**
   * The beginning of the body, where that is text: shortened, without what the request was authorized with.
   */
  readonly text?: string | undefined;
}

/** The answer has another status than was asked for; a redirect always has. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: number;
  readonly details: StatusDetails;
  /** How long the server wants to be left alone, in ms from when the answer came. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, details: StatusDetails = {}) {
    super(`answered ${status}${detailsText(details)}`);
    this.status = status;
    this.details = details;
    this.retryAfterMs = pauseOf(details.retryAfter);
  }
}

function detailsText({ location, text }: StatusDetails): string {
  const where = location === undefined ? '' : ` (a redirect to ${location}, which is not followed)`;
  return text === undefined ? where : `${where}: ${text}`;
}

/** A header that says more is wrong, or not meant for a service that has work waiting. */
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * What Retry-After (RFC 9110 section 10.2.3) asks for, in ms from now: it is a number of seconds or a date.
 * @returns undefined where it is neither
 */
export function pauseOf(retryAfter: string | undefined): number | undefined {
  const value = retryAfter?.trim() ?? '';
  const pauseMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(pauseMs) ? undefined : Math.min(Math.max(0, pauseMs), LONGEST_PAUSE_MS);
}
