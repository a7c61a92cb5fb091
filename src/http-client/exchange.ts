import { type Connections, DIRECT } from './connections.ts';
import { decoded } from './content-encoding.ts';
import { errorText } from './error-text.ts';
import { AnswerError, ConnectionError, connectionError, StatusError } from './errors.ts';
import { type RequestBody, sendBody } from './request-body.ts';
import { type TimeLimits, Waiting } from './waiting.ts';

interface ExchangeLimits extends TimeLimits {
  /** Largest body of the answer, in bytes, after any Content-Encoding is undone. */
  readonly answerBytes: number;
}

/** How an exchange went, once. */
export interface ExchangeEnd {
  /**
   * Time spent on waiting for the server, in ms; its caller's own time between pieces of the answer isn't in
   * it.
   */
  readonly waitedMs: number;
  /** What went wrong; undefined where nothing did. */
  readonly failure: unknown;
}

export interface ExchangeRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly limits: ExchangeLimits;
  /**
   * Which statuses are an answer; 200 alone where it is not said. Redirects never are: credentials go to one
   * server.
   */
  readonly accepts?: (status: number) => boolean;
  readonly signal?: AbortSignal | undefined;
  /** Certificates and proxy; without it neither. */
  readonly connections?: Connections | undefined;
  /** Told how it went, unless the signal ended it. */
  readonly ended?: ((end: ExchangeEnd) => void) | undefined;
}

/**
 * The head of an answer; iterated, its body, once. Has to be closed, whether all of the body was taken or
 * not.
 */
export interface Answer extends AsyncIterable<Uint8Array> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** @param failure what the caller found wrong with the answer, or what reading it threw */
  close(failure?: unknown): void;
}

/** Enough for what a message shows of an error's body. */
const ERROR_BODY_BYTES = 8192;
/** An error is an error without its words, too. */
const ERROR_BODY_MS = 1000;

/**
 * One HTTP request and its answer, streamed: no module asks an archive in another way. A GET that is sent on
 * to the same address with a slash at its end, or without, is asked there.
 * @throws ConnectionError, StatusError, AnswerError (the last also, like the first, out of the body); what
 * the request's
 *   body throws; the signal's reason where it was aborted
 */
export async function exchange(request: ExchangeRequest): Promise<Answer> {
  const answer = await asked(request, true);
  return typeof answer === 'string' ? asked({ ...request, url: answer }, false) : answer;
}

async function asked(request: ExchangeRequest, mayMove: true): Promise<Answer | string>;
async function asked(request: ExchangeRequest, mayMove: false): Promise<Answer>;
async function asked(request: ExchangeRequest, mayMove: boolean): Promise<Answer | string> {
  request.signal?.throwIfAborted();
  const running = new Exchange(request);
  try {
    return await running.answer();
  } catch (error) {
    const failure = running.failureOf(error);
    const moved = mayMove ? withOtherSlash(request, failure) : undefined;
    if (moved === undefined) running.close(failure);
    else running.leave();
    if (moved === undefined) throw failure;
    return moved;
  }
}

/** The same address, but for the slash at the end of its path, where an answer sends there. */
function withOtherSlash({ url, method = 'GET' }: ExchangeRequest, failure: unknown): string | undefined {
  if (method !== 'GET' || !(failure instanceof StatusError)) return undefined;
  const there = URL.parse(failure.details.location ?? '');
  const here = new URL(url);
  if (!there || there.origin !== here.origin || there.pathname === here.pathname) return undefined;
  if (there.pathname.replace(/\/$/, '') !== here.pathname.replace(/\/$/, '')) return undefined;
  here.pathname = there.pathname;
  return here.href;
}

class Exchange implements Answer {
  status = 0;
  headers: Answer['headers'] = {};
  readonly #request: ExchangeRequest;
  readonly #waiting: Waiting;
  readonly #open: ReturnType<Connections['open']>;
  readonly #givenUp = Promise.withResolvers<never>();
  #head: Awaited<ReturnType<Connections['open']>['head']> | undefined;
  /** Why this side ended it. */
  #reason: { readonly error: unknown } | undefined;
  #isClosed = false;

  constructor(request: ExchangeRequest) {
    const { url, method = 'GET', headers, body, limits, signal, connections = DIRECT } = request;
    this.#request = request;
    const length = body ? { 'Content-Length': String(body.length) } : {};
    this.#open = connections.open(url, { method, headers: { ...headers, ...length } });
    this.#waiting = new Waiting(limits, (error) => this.#giveUp(error));
    signal?.addEventListener('abort', this.#aborted, { once: true });
    for (const promise of [this.#open.head, this.#givenUp.promise]) promise.catch(() => undefined);
  }

  async answer(): Promise<Answer> {
    const { accepts = (status: number) => status === 200, url, body } = this.#request;
    sendBody(this.#open, body, () => this.#waiting.progress()).catch((error: unknown) => this.#giveUp(error));
    this.#head = await this.#waiting.watch(Promise.race([this.#open.head, this.#givenUp.promise]));
    this.status = this.#head.statusCode ?? 0;
    this.headers = this.#head.headers;
    const isRedirect = this.status >= 300 && this.status < 400;
    if (!isRedirect && accepts(this.status)) return this;
    const { location, 'retry-after': retryAfter } = this.#head.headers;
    throw new StatusError(this.status, {
      retryAfter,
      location: isRedirect ? publicAddress(location, url) : undefined,
      text: isRedirect ? undefined : await this.#errorText(),
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { answerBytes } = this.#request.limits;
    let size = 0;
    try {
      for await (const chunk of decoded(this.#chunks(), this.#head?.headers['content-encoding'])) {
        size += chunk.length;
        if (size > answerBytes) throw new AnswerError(`the answer has more than ${answerBytes} bytes`);
        yield chunk;
      }
    } catch (error) {
      throw this.failureOf(error);
    }
  }

  close(failure?: unknown): void {
    if (this.#isClosed) return;
    this.leave();
    if (this.#request.signal?.aborted) return;
    this.#request.ended?.({ waitedMs: this.#waiting.waitedMs, failure });
  }

  /** As `close`, but nobody is told how it went: it goes on elsewhere. */
  leave(): void {
    this.#isClosed = true;
    this.#waiting.stop();
    this.#request.signal?.removeEventListener('abort', this.#aborted);
    this.#open.sent.destroy();
  }

  /** What an error of the connection means, or why this side broke it. */
  failureOf(error: unknown): unknown {
    if (this.#reason) return this.#reason.error;
    const isKnown = [ConnectionError, StatusError, AnswerError].some((known) => error instanceof known);
    return isKnown ? error : connectionError(error);
  }

  readonly #aborted = (): void => this.#giveUp(this.#request.signal?.reason);

  #giveUp(error: unknown): void {
    this.#reason ??= { error };
    this.#givenUp.reject(error);
    this.#head?.destroy();
    this.#open.sent.destroy();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    if (!this.#head) return;
    const chunks: AsyncIterator<unknown> = this.#head[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.#waiting.watch(chunks.next());
        if (done) return;
        if (!(value instanceof Uint8Array)) continue;
        this.#waiting.came(value.length);
        yield value;
      }
    } finally {
      this.#head.destroy();
    }
  }

  async #errorText(): Promise<string | undefined> {
    const timer = setTimeout(() => this.#head?.destroy(), ERROR_BODY_MS);
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of decoded(this.#chunks(), this.#head?.headers['content-encoding'])) {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= ERROR_BODY_BYTES) break;
      }
    } catch {
      // What came until then may say enough.
    } finally {
      clearTimeout(timer);
    }
    return errorText(Buffer.concat(chunks).subarray(0, ERROR_BODY_BYTES), this.#request.headers);
  }
}

/** Where Location points to, without what may be secret in it. */
function publicAddress(location: string | undefined, base: string): string | undefined {
  const url = location === undefined ? null : URL.parse(location, base);
  return url ? `${url.protocol}//${url.host}${url.pathname}` : undefined;
}
