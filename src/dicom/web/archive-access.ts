import type { Connections } from '../../http-client/connections.ts';
import { errorText, wordsOfPage } from '../../http-client/error-text.ts';
import { StatusError } from '../../http-client/errors.ts';
import type { ExchangeEnd, ExchangeRequest } from '../../http-client/exchange.ts';

/** Kinds of DICOMweb transactions (PS3.18): what their times are told apart by. */
export type ArchiveRequestKind = 'search' | 'metadata' | 'retrieve' | 'store';

/** How one request to an archive went. */
export interface ArchiveAnswer {
  readonly kind: ArchiveRequestKind;
  readonly ok: boolean;
  /** What the node waited for the archive; its own time between parts of an answer isn't in it. */
  readonly seconds: number;
}

/** Something that an archive refused, and that was had in another way. */
export interface Detour {
  /** What was asked for, in words: `a series as a whole (WADO-RS)`. */
  readonly refused: string;
  /** How it was had. */
  readonly instead: string;
  /** What the archive answered. */
  readonly because: unknown;
}

export interface DicomWebOptions {
  /** Root of the service, http or https; a user and password in it become an Authorization header. */
  readonly url: string;
  /** Sent with every request; for instance Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest time without a byte to or from the archive, in ms. */
  readonly timeoutMs?: number;
  /** Longest time that one request waits for the archive in all, in ms. */
  readonly totalTimeoutMs?: number;
  /** Largest answer of JSON, in bytes; each kind has a limit of its own beside it. */
  readonly maxJsonBytes?: number;
  /** Certificates and proxy; without it neither. */
  readonly connections?: Connections | undefined;
  /** Told how each DICOMweb request went, unless the node itself gave it up. */
  readonly answered?: ((answer: ArchiveAnswer) => void) | undefined;
  /** Told of each detour. */
  readonly detour?: ((detour: Detour) => void) | undefined;
}

/** A cold archive may have to read every file of a large series for its metadata. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** A series of a gigabyte over a line of 3 Mbit/s. */
const DEFAULT_TOTAL_TIMEOUT_MS = 3_600_000;
const MIB = 1024 * 1024;
/**
 * Largest answers, in bytes. Metadata of a series takes some kilobytes an image; a page of a search some
 * hundred a result, or all results where an archive knows no pages; a word on what was stored is short.
 */
const MAX_JSON_BYTES = { search: 64 * MIB, metadata: 128 * MIB, store: 4 * MIB, rest: 64 * MIB } as const;
/**
 * Ten thousand images of 2048 x 2048 in 16 bits. They are not held; this only ends an answer that never ends.
 */
const MAX_RETRIEVED_BYTES = 80 * 1024 ** 3;

/** One request: what differs between them. */
export interface ArchiveRequest
  extends Pick<ExchangeRequest, 'method' | 'headers' | 'body' | 'accepts' | 'signal'> {
  /** Undefined: its time isn't told. */
  readonly kind?: ArchiveRequestKind;
}

/** How one archive is reached: what all requests to it have in common. */
export class ArchiveAccess {
  /** The root without credentials and without a slash at its end. */
  readonly url: string;
  readonly #options: DicomWebOptions;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws TypeError where the URL is none, or neither http nor https */
  constructor(options: DicomWebOptions) {
    const { publicUrl, authorization } = separateCredentials(options.url);
    this.url = publicUrl;
    this.#options = options;
    this.#headers = { ...authorization, ...options.headers };
  }

  /**
   * What a body says, for a message: without the credentials that it may repeat.
   * @param contentType of an answer that should have been something else: only pages and plain text say
   * anything; left out for the body of an error
   */
  wordsOf(body: Uint8Array, contentType?: string): string | undefined {
    if (contentType === undefined) return errorText(body, this.#headers);
    return wordsOfPage(contentType, body, this.#headers);
  }

  /** @param url of the root and what comes after it */
  request(url: string, { kind, headers, ...request }: ArchiveRequest): ExchangeRequest {
    const {
      timeoutMs = DEFAULT_TIMEOUT_MS,
      totalTimeoutMs = DEFAULT_TOTAL_TIMEOUT_MS,
      maxJsonBytes = Number.POSITIVE_INFINITY,
      connections,
      answered,
    } = this.#options;
    const answerBytes =
      kind === 'retrieve' ? MAX_RETRIEVED_BYTES : Math.min(maxJsonBytes, MAX_JSON_BYTES[kind ?? 'rest']);
    return {
      ...request,
      url,
      headers: { ...this.#headers, ...headers },
      limits: { idleMs: timeoutMs, totalMs: totalTimeoutMs, answerBytes },
      connections,
      ended: answered && kind ? (end) => answered({ kind, ...outcome(end) }) : undefined,
    };
  }
}

function outcome({ waitedMs, failure }: ExchangeEnd): Omit<ArchiveAnswer, 'kind'> {
  // An answer like any other: the node asks whether a result is there before it stores it.
  const isNotThere = failure instanceof StatusError && failure.status === 404;
  return { ok: failure === undefined || isNotThere, seconds: waitedMs / 1000 };
}

/** The address without user and password, and the header that they make. */
function separateCredentials(address: string): {
  publicUrl: string;
  authorization: Record<string, string>;
} {
  const url = URL.parse(address);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    // The address itself stays out of the message: it may hold a password.
    throw new TypeError('The DICOMweb address is not a URL that begins with http:// or https://');
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    publicUrl: url.href.replace(/\/+$/, ''),
    authorization: username ? { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` } : {},
  };
}
