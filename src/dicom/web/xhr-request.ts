import type http from 'node:http';
import XMLHttpRequest from 'xhr2';
import { DicomError } from '../dicom-error.ts';
import { type Connections, connectionReason, DIRECT } from './connections.ts';
import { badAnswer, DicomWebStatusError, unreachable } from './errors.ts';
import { patiently } from './patience.ts';

/** The exchange of one request: what dicomweb-client is given, and what tells how it went. */
export interface XhrExchange {
  /** For messages: the method and URL, without credentials. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly connections?: Connections | undefined;
}

/** Answer of the archive, not yet checked. `body`: parsed JSON, text, or null where JSON did not parse. */
export interface XhrAnswer {
  readonly status: number;
  readonly body: unknown;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * xhr2 follows every redirect, takes the Authorization header along to any host, turns a POST into a GET, and throws
 * out of an event, beyond any catch, where Location is missing or no URL. Here a redirect ends the request.
 */
class SafeXhr extends XMLHttpRequest {
  redirectStatus: number | undefined;
  failure: 'error' | 'timeout' | undefined;
  cause: unknown;

  constructor(timeoutMs: number, { httpAgent, httpsAgent }: Connections) {
    super();
    this.timeout = timeoutMs;
    this.nodejsSet({ httpAgent, httpsAgent });
    this.addEventListener('error', () => {
      this.failure = 'error';
    });
    this.addEventListener('timeout', () => {
      this.failure = 'timeout';
    });
  }

  protected override _onHttpResponse(request: http.ClientRequest, response: http.IncomingMessage): void {
    if (!REDIRECTS.has(response.statusCode ?? 0)) {
      super._onHttpResponse(request, response);
      return;
    }
    this.redirectStatus = response.statusCode;
    request.destroy(new Error('redirect refused'));
  }

  protected override _onHttpRequestError(request: http.ClientRequest, error: Error): void {
    this.cause = error;
    super._onHttpRequestError(request, error);
  }
}

/** Hook for dicomweb-client; it decodes, and throws out of an event, where an archive calls its JSON multipart. */
export function readAsJson(request: XMLHttpRequest, _metadata: unknown): XMLHttpRequest {
  request.overrideMimeType('application/dicom+json');
  return request;
}

/**
 * Runs one request of dicomweb-client on an XMLHttpRequest of its own; again where the archive asks for a short pause.
 * @returns status and body, also of error statuses that `tolerated` names
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS; the signal's reason where it was aborted
 */
export async function exchange(
  request: XhrExchange,
  send: (instance: XMLHttpRequest) => Promise<unknown>,
  tolerated: readonly number[] = [],
): Promise<XhrAnswer> {
  return patiently(() => exchangeOnce(request, send, tolerated), request.signal);
}

async function exchangeOnce(
  { url, timeoutMs, signal, connections = DIRECT }: XhrExchange,
  send: (instance: XMLHttpRequest) => Promise<unknown>,
  tolerated: readonly number[],
): Promise<XhrAnswer> {
  signal?.throwIfAborted();
  const xhr = new SafeXhr(timeoutMs, connections);
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    xhr.abort();
    aborted.reject(signal?.reason);
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const body = await Promise.race([send(xhr), aborted.promise]);
    if (xhr.failure) throw connectionFailure(xhr, url, timeoutMs);
    return { status: xhr.status, body };
  } catch (error) {
    if (signal?.aborted || error instanceof DicomError) throw error;
    if (xhr.redirectStatus) throw new DicomWebStatusError(url, xhr.redirectStatus);
    if (xhr.failure) throw connectionFailure(xhr, url, timeoutMs);
    if (tolerated.includes(xhr.status)) return { status: xhr.status, body: xhr.response };
    if (xhr.status > 0) {
      throw new DicomWebStatusError(url, xhr.status, xhr.getResponseHeader('Retry-After') ?? undefined);
    }
    // Never the error itself as the cause: dicomweb-client hangs the request, with its credentials, on it.
    throw badAnswer(url, error instanceof Error ? error.message : 'the request failed');
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function connectionFailure(xhr: SafeXhr, url: string, timeoutMs: number): DicomError {
  if (xhr.failure === 'timeout') return unreachable(url, `no answer within ${timeoutMs / 1000} s`);
  const reason = xhr.cause ? connectionReason(xhr.cause) : 'connection closed in the middle of the answer';
  return unreachable(url, reason);
}
