import type { IncomingMessage } from 'node:http';
import { type Connections, connectionReason, DIRECT } from './connections.ts';
import { badAnswer, DicomWebStatusError, unreachable } from './errors.ts';
import { MultipartError, mediaType, multipartBoundary, splitMultipart } from './multipart.ts';
import { patiently } from './patience.ts';

/** Any stored transfer syntax: nothing is transcoded, every instance arrives as it was stored (PS3.18 8.7.3.5.2). */
const ACCEPT_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*';

export interface RetrieveRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest time without a byte from the archive, in ms. Time that the caller takes for a part does not count. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly connections?: Connections | undefined;
}

/**
 * WADO-RS retrieval of a study, series or instance (PS3.18 10.4), streamed.
 * @returns the PS3.10 bytes of one instance after the other, in the archive's order; nothing is fetched ahead of the
 *   caller. The UIDs within are not checked: archives have mixed up parts, so the caller compares them.
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; the signal's reason where aborted
 */
export async function* retrieveInstances(request: RetrieveRequest): AsyncGenerator<Uint8Array> {
  const { url, timeoutMs, signal } = request;
  const idle = new IdleTimer(timeoutMs);
  try {
    const answer = await patiently(async () => {
      const head = await idle.watch(open(request, idle.signal));
      // 206 says that a part of what was asked for is missing; a volume with holes is no answer.
      if (head.statusCode === 200) return head;
      head.destroy();
      throw new DicomWebStatusError(url, head.statusCode ?? 0, head.headers['retry-after']);
    }, signal);
    yield* instancesOf(answer.headers['content-type'], chunksOf(answer, idle));
  } catch (error) {
    signal?.throwIfAborted();
    if (idle.signal.aborted) throw unreachable(url, `no data within ${timeoutMs / 1000} s`);
    if (error instanceof MultipartError) throw badAnswer(url, `the answer ${error.message}`, error);
    if (error instanceof ConnectionError) throw unreachable(url, error.message, error.cause);
    throw error;
  } finally {
    idle.stop();
  }
}

/** The connection could not be made, or broke. */
class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** Sends the request; resolves with the head of the answer. Redirects are not followed: credentials go to the archive alone. */
async function open(
  { url, headers, signal, connections = DIRECT }: RetrieveRequest,
  idle: AbortSignal,
): Promise<IncomingMessage> {
  const options = {
    headers: { ...headers, Accept: ACCEPT_STORED },
    signal: AbortSignal.any([idle, ...(signal ? [signal] : [])]),
  };
  try {
    const sent = connections.request(url, options);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sent.once('response', resolve);
    sent.on('error', reject);
    sent.end();
    return await promise;
  } catch (cause) {
    throw connectionError(cause);
  }
}

async function* instancesOf(
  contentType: string | undefined,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const boundary = multipartBoundary(contentType);
  for await (const part of splitMultipart(body, boundary)) {
    if (part.contentType !== undefined && mediaType(part.contentType) !== 'application/dicom') {
      throw new MultipartError(`has a part of type "${part.contentType}" instead of application/dicom`);
    }
    yield part.bytes;
  }
}

async function* chunksOf(answer: IncomingMessage, idle: IdleTimer): AsyncGenerator<Uint8Array> {
  // A caller that stops early closes the connection with it.
  const chunks: AsyncIterator<unknown> = answer[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await idle.watch(chunks.next());
      if (done) return;
      if (value instanceof Uint8Array) yield value;
    }
  } catch (cause) {
    throw connectionError(cause);
  } finally {
    answer.destroy();
  }
}

function connectionError(cause: unknown): ConnectionError {
  const reason = connectionReason(cause);
  return new ConnectionError(
    reason === 'aborted' ? 'connection closed in the middle of the answer' : reason,
    { cause },
  );
}

/** Aborts its signal when a watched promise takes too long; between watched promises no time runs. */
class IdleTimer {
  readonly #controller = new AbortController();
  /** One timer for all chunks, as there are thousands a second. */
  readonly #timer: NodeJS.Timeout;
  #watching = false;

  constructor(limitMs: number) {
    this.#timer = setTimeout(() => {
      if (this.#watching) this.#controller.abort();
    }, limitMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async watch<T>(promise: Promise<T>): Promise<T> {
    this.#timer.refresh();
    this.#watching = true;
    try {
      return await promise;
    } finally {
      this.#watching = false;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
