import { badAnswer, DicomWebStatusError, unreachable } from './errors.ts';
import { MultipartError, mediaType, multipartBoundary, splitMultipart } from './multipart.ts';

/** Any stored transfer syntax: nothing is transcoded, every instance arrives as it was stored (PS3.18 8.7.3.5.2). */
const ACCEPT_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*';

export interface RetrieveRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest time without a byte from the archive, in ms. Time that the caller takes for a part does not count. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * WADO-RS retrieval of a study, series or instance (PS3.18 10.4), streamed.
 * @returns the PS3.10 bytes of one instance after the other, in the archive's order; nothing is fetched ahead of the
 *   caller. The UIDs within are not checked: archives have mixed up parts, so the caller compares them.
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; the signal's reason where aborted
 */
export async function* retrieveInstances(request: RetrieveRequest): AsyncGenerator<Uint8Array> {
  const idle = new IdleTimer(request.timeoutMs);
  const signal = AbortSignal.any([idle.signal, ...(request.signal ? [request.signal] : [])]);
  try {
    const response = await idle.watch(
      fetch(request.url, {
        headers: { ...request.headers, Accept: ACCEPT_STORED },
        redirect: 'manual', // credentials go to the configured archive alone
        signal,
      }),
    );
    // 206 says that a part of what was asked for is missing; a volume with holes is no answer.
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      throw new DicomWebStatusError(
        request.url,
        response.status,
        response.headers.get('Retry-After') ?? undefined,
      );
    }
    yield* instancesOf(response.headers.get('Content-Type'), chunksOf(response.body, idle));
  } catch (error) {
    request.signal?.throwIfAborted();
    if (idle.signal.aborted) throw unreachable(request.url, `no data within ${request.timeoutMs / 1000} s`);
    if (error instanceof MultipartError) throw badAnswer(request.url, `the answer ${error.message}`, error);
    if (error instanceof TypeError) throw unreachable(request.url, networkReason(error), error);
    throw error;
  } finally {
    idle.stop();
  }
}

async function* instancesOf(
  contentType: string | null,
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

async function* chunksOf(body: ReadableStream<Uint8Array>, idle: IdleTimer): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await idle.watch(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // A caller that stops early closes the connection; after an error this rejects with the same error again.
    await reader.cancel().catch(() => undefined);
  }
}

/** fetch says only "fetch failed" or "terminated"; the reason is its cause. */
function networkReason(error: TypeError): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Several addresses were tried (IPv6 and IPv4): an AggregateError without a message of its own.
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause.message || error.message;
}

/** Aborts its signal when a watched promise takes too long; between watched promises no time runs. */
class IdleTimer {
  readonly #controller = new AbortController();
  readonly #limitMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async watch<T>(promise: Promise<T>): Promise<T> {
    this.#timer = setTimeout(() => this.#controller.abort(), this.#limitMs);
    try {
      return await promise;
    } finally {
      this.stop();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
