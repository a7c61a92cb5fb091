import { createHash } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { HttpError } from '../http-error.ts';
import { networkOf } from './client-address.ts';
import { sessionCookieOf } from './sessions.ts';
import { WindowCounts } from './window-counts.ts';

const MINUTE_MS = 60_000;
/**
 * How long an answer to who asks too much is held back: what is refused at once is asked again at once. It
 * costs the node a timer.
 */
const HELD_MS = 1_000;
/** Probes wait a second, most of them, and ask every few seconds. */
const HEALTH_HELD_MS = 250;
const HEALTH_PER_MINUTE = 600;
const HEALTH = /^\/(healthz|readyz)\/?$/i;
/**
 * Of an address beyond its limits, so many credentials are looked at in a second still: more than come from
 * those who wait for their answers, so that a right one finds its way among them, and no burden.
 */
const TRIES_PER_SECOND = 200;
/** More people and programs than a node has. */
const MAX_LET_IN = 5_000;

export interface StrangerLimits {
  /** Of an address, by requests that show nothing that was let in before. */
  readonly requestsPerMinute: number;
  /** Requests with wrong credentials, of an address. */
  readonly failedLoginsPerMinute: number;
}

/**
 * Stands before all that costs something: the search for who somebody is, the audit log, routers. Who was let
 * in before passes; all others are counted by their address, and beyond the limits are refused, late.
 */
export class Strangers {
  readonly #limits: StrangerLimits;
  readonly #asked = new WindowCounts(MINUTE_MS);
  readonly #wrong = new WindowCounts(MINUTE_MS);
  readonly #tries = new WindowCounts(1_000);
  readonly #health = new WindowCounts(MINUTE_MS);
  /** Digests of credentials, the latest last. That they still hold is asked each time. */
  readonly #letIn = new Set<string>();

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  /** Health checks are always answered; who asks for them all the time waits. */
  readonly slowHealth: RequestHandler = async (request, response, next) => {
    const isFlood = HEALTH.test(request.path) && this.#health.add(networkOf(request)) > HEALTH_PER_MINUTE;
    if (!isFlood || (await held(response, HEALTH_HELD_MS))) next();
  };

  /** @param refused told of each request that does not pass */
  gate(refused: (request: Request, response: Response) => void): RequestHandler {
    return async (request, response, next) => {
      const from = networkOf(request);
      if (this.#wasLetIn(request) || !this.#asksTooMuch(request, from)) return next();
      refused(request, response);
      if (!(await held(response, HELD_MS))) return;
      response.setHeader('Retry-After', this.#asked.secondsLeft());
      throw tooMany();
    };
  }

  /** The credentials that the request shows are somebody's. */
  letIn(request: Request): void {
    const digest = digestOf(request);
    if (digest === undefined) return;
    // It was counted before it was known.
    if (!this.#letIn.delete(digest)) this.#asked.takeBack(networkOf(request));
    this.#letIn.add(digest);
    for (const oldest of this.#letIn) {
      if (this.#letIn.size <= MAX_LET_IN) break;
      this.#letIn.delete(oldest);
    }
  }

  /** Counts wrong credentials; beyond the limit they are answered with 429, late. */
  readonly limitWrong: ErrorRequestHandler = async (error: unknown, request, response, next) => {
    if (!(error instanceof HttpError) || error.code !== 'CREDENTIALS_REFUSED') return next(error);
    const digest = digestOf(request);
    if (digest !== undefined) this.#letIn.delete(digest);
    if (this.#wrong.add(networkOf(request)) <= this.#limits.failedLoginsPerMinute) return next(error);
    if (!(await held(response, HELD_MS))) return;
    response.setHeader('Retry-After', this.#wrong.secondsLeft());
    next(tooMany());
  };

  #wasLetIn(request: Request): boolean {
    const digest = digestOf(request);
    return digest !== undefined && this.#letIn.has(digest);
  }

  #asksTooMuch(request: Request, from: string): boolean {
    const { requestsPerMinute, failedLoginsPerMinute } = this.#limits;
    const isFlood = this.#asked.add(from) > requestsPerMinute;
    const showsSome = request.headers.authorization !== undefined || request.method === 'POST';
    if (!showsSome) return isFlood;
    if (!isFlood && this.#wrong.of(from) < failedLoginsPerMinute) return false;
    return this.#tries.add(from) > TRIES_PER_SECOND;
  }
}

/** For who asks more than their share, whoever they are. */
export const tooMany = (): HttpError =>
  new HttpError('TOO_MANY_REQUESTS', 'too many requests; Retry-After says when to come back');

/** Resolves after a time; false where the client has gone meanwhile. */
export async function held(response: Response, milliseconds = HELD_MS): Promise<boolean> {
  if (response.destroyed || response.closed) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), milliseconds).unref();
  const gone = () => {
    clearTimeout(timer);
    resolve(false);
  };
  response.once('close', gone);
  const isThere = await promise;
  response.off('close', gone);
  return isThere;
}

function digestOf(request: Request): string | undefined {
  const shown = request.headers.authorization ?? sessionCookieOf(request);
  return shown === undefined ? undefined : createHash('sha256').update(shown).digest('base64');
}
