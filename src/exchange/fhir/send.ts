import { z } from 'zod';
import type { Connections } from '../../http-client/connections.ts';
import { errorText } from '../../http-client/error-text.ts';
import { AnswerError, ConnectionError, StatusError } from '../../http-client/errors.ts';
import { bodyOf } from '../../http-client/request-body.ts';
import { wholeAnswer } from '../../http-client/whole-answer.ts';
import { DeliveryError, type DeliveryFailure } from '../outbox/delivery-error.ts';

export interface FhirServer {
  /** The service's base, without a slash at its end. */
  readonly url: string;
  readonly version: 'R4' | 'R5';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly connections: Connections;
}

interface Resource {
  readonly resourceType: string;
  readonly id?: string | undefined;
}

/**
 * A transaction (http.html#transaction): all resources or none, each put under an id of its own, so that the
 * same bundle sent twice leaves one of each.
 */
export const transactionBundle = (url: string, resources: readonly Resource[]) => ({
  resourceType: 'Bundle' as const,
  type: 'transaction' as const,
  entry: resources.map((resource) => ({
    fullUrl: `${url}/${resource.resourceType}/${resource.id}`,
    resource,
    request: { method: 'PUT' as const, url: `${resource.resourceType}/${resource.id}` },
  })),
});

/**
 * As JSON, without the control characters that a FHIR string must not hold: what stands in their place is in
 * no other text, so that an id that held one is nobody else's.
 */
export const fhirJson = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'string' ? one.replaceAll(/[^\P{Cc}\t\r\n]/gu, '\ufffd') : one,
  );

/** What servers say of a transaction is short; one that repeats what it got is not longer than that. */
const ANSWER_BYTES = 16 * 2 ** 20;
/** All waiting for the server; an exit's job goes on no longer without being taken for dead. */
const TOTAL_MS = 120_000;
const FHIR_VERSIONS = { R4: '4.0', R5: '5.0' } as const;

/** Not there, not able just now, or too much: however long that lasts, it has nothing against the message. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
/** Statuses in the 400s that may pass: another one changes the same resources, or holds them. */
const UNWILLING: ReadonlySet<number> = new Set([409, 423]);
/** What somebody has to put right first, and what that is. */
const ACCESS: Readonly<Record<number, string>> = {
  401: 'it does not take what exchange.fhir has as token, or as user and password',
  403: 'its credentials in exchange.fhir need the right to send transactions and to update',
  407: 'exchange.fhir.proxy needs the credentials of the proxy',
};
const ACCESS_PAUSE_MS = 15 * 60_000;

/**
 * @returns what the server said
 * @throws DeliveryError; the signal's reason
 */
export async function sendBundle(
  server: FhirServer,
  resources: readonly Resource[],
  signal: AbortSignal,
): Promise<string> {
  const { url, version, timeoutMs, connections } = server;
  const type = `application/fhir+json; fhirVersion=${FHIR_VERSIONS[version]}`;
  const headers = { Accept: type, 'Content-Type': type, Prefer: 'return=minimal', ...server.headers };
  try {
    const answer = await wholeAnswer({
      url,
      method: 'POST',
      headers,
      body: bodyOf(Buffer.from(fhirJson(transactionBundle(url, resources)))),
      limits: { idleMs: timeoutMs, totalMs: Math.max(timeoutMs, TOTAL_MS), answerBytes: ANSWER_BYTES },
      accepts: (status) => status >= 200 && status < 300,
      signal,
      connections,
    });
    refuseBadEntries(answer.bytes, resources.length, headers);
    return `answered ${answer.status}`;
  } catch (error) {
    throw deliveryError(error);
  }
}

function deliveryError(error: unknown): unknown {
  if (error instanceof StatusError) {
    const { status, message, retryAfterMs } = error;
    const todo = ACCESS[status];
    const words = `the server ${message}`;
    if (todo !== undefined) {
      const pauseMs = Math.max(ACCESS_PAUSE_MS, retryAfterMs ?? 0);
      return new DeliveryError('later', `${words}; ${todo}`, { cause: error, pauseMs });
    }
    return new DeliveryError(failureOf(status), words, { cause: error, pauseMs: retryAfterMs });
  }
  if (error instanceof ConnectionError)
    return new DeliveryError('later', `no answer: ${error.message}`, { cause: error });
  // It has answered with success: what it did is not known, and sending again harms nothing.
  if (error instanceof AnswerError) return new DeliveryError('unwilling', error.message, { cause: error });
  return error;
}

function failureOf(status: number): DeliveryFailure {
  // A redirect is not followed, and is nothing that the server says of the message.
  if (LATER.has(status) || status < 400) return 'later';
  return UNWILLING.has(status) || status >= 500 ? 'unwilling' : 'refused';
}

const answerSchema = z.object({
  resourceType: z.string(),
  type: z.string().optional(),
  issue: z.array(z.object({ severity: z.string(), code: z.string().optional() })).optional(),
  entry: z.array(z.object({ response: z.object({ status: z.string() }).optional() })).optional(),
});

/** Issue types (FHIR R4 and R5, value set issue-type) that may pass. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'transient',
  'lock-error',
  'no-store',
  'exception',
  'timeout',
  'incomplete',
  'throttled',
  'conflict',
]);

/**
 * A transaction has succeeded as a whole, or not at all; some servers answer success, and say in the body
 * that it was none. A body is not needed.
 */
function refuseBadEntries(body: Uint8Array, sent: number, headers: Readonly<Record<string, string>>): void {
  const text = Buffer.from(body).toString('utf8').trim();
  if (text === '') return;
  const answer = answerSchema.safeParse(parsed(text));
  if (!answer.success)
    throw new AnswerError(`the answer is no FHIR: ${errorText(body, headers) ?? 'no text'}`);
  const { resourceType, type, entry = [], issue = [] } = answer.data;
  const isBad = (status: string | undefined) => status === undefined || !/^2\d\d\b/.test(status);
  const bad = entry.find(({ response }) => isBad(response?.status));
  const errors = issue.filter(({ severity }) => severity === 'error' || severity === 'fatal');
  if (errors.length > 0 || bad) {
    const status = Number.parseInt(bad?.response?.status ?? '', 10);
    const mayPass =
      errors.some(({ code = '' }) => TRANSIENT.has(code)) ||
      (status >= 400 && failureOf(status) !== 'refused');
    throw new DeliveryError(
      mayPass ? 'unwilling' : 'refused',
      `the server took not all of it: ${errorText(body, headers) ?? ''}`,
    );
  }
  if (resourceType === 'Bundle' && (type !== 'transaction-response' || entry.length !== sent))
    throw new AnswerError(`the answer is of ${entry.length} resources (${type}), ${sent} were sent`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
