import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { DicomError } from '../dicom-error.ts';
import { type Connections, connectionReason, DIRECT } from './connections.ts';
import { badAnswer, DicomWebStatusError, unreachable } from './errors.ts';

export interface JsonRequest {
  /** Without credentials: it goes into messages. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest time without a byte from the archive, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly connections?: Connections | undefined;
  /** Sent by POST, as JSON; without it the request is a GET. */
  readonly body?: unknown;
}

/**
 * A request to an archive's own REST interface. Redirects are not followed: credentials go to the archive alone.
 * @returns the JSON of the answer, not yet checked
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; the signal's reason where aborted
 */
export async function requestJson(request: JsonRequest): Promise<unknown> {
  const { url, timeoutMs, signal } = request;
  signal?.throwIfAborted();
  const silence = new Error(`no data within ${timeoutMs / 1000} s`);
  try {
    const answer = await send(request, silence);
    if (answer.statusCode !== 200) {
      answer.destroy();
      throw new DicomWebStatusError(url, answer.statusCode ?? 0, answer.headers['retry-after']);
    }
    return parseJson(await text(answer), url);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DicomError) throw error;
    throw unreachable(url, connectionReason(error), error);
  }
}

async function send(
  { url, headers, timeoutMs, signal, connections = DIRECT, body }: JsonRequest,
  silence: Error,
): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const options = {
    method: payload ? 'POST' : 'GET',
    headers: {
      ...headers,
      Accept: 'application/json',
      ...(payload ? { 'Content-Type': 'application/json', 'Content-Length': payload.length } : {}),
    },
    timeout: timeoutMs,
    ...(signal ? { signal } : {}),
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = connections.request(url, options);
  sent.once('response', resolve);
  sent.once('timeout', () => sent.destroy(silence));
  sent.on('error', reject);
  sent.end(payload);
  return promise;
}

function parseJson(body: string, url: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw badAnswer(url, 'the answer is not JSON', cause);
  }
}
