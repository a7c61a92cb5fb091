import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { HttpError } from '../http-error.ts';

const MINUTE_MS = 60_000;

/** What one client may ask of the node. */
export interface RequestLimits {
  readonly requestsPerMinute: number;
  /** Requests with wrong credentials, per address. */
  readonly failedLoginsPerMinute: number;
  readonly urlBytes: number;
  /** Of JSON bodies. */
  readonly bodyBytes: number;
}

const common = {
  windowMs: MINUTE_MS,
  standardHeaders: 'draft-8',
  legacyHeaders: false,
  // The library's checks of its set-up print to the console, and a client's X-Forwarded-For can trigger them.
  validate: false,
  handler: (_request: Request, _response: Response, next: (error: unknown) => void) =>
    next(new HttpError('TOO_MANY_REQUESTS', 'too many requests; Retry-After says when to come back')),
} as const;

/**
 * Per token or person, per address where nobody is known; not for the node itself and programs of its
 * machine.
 */
export function limitRequests(limit: number): RequestHandler {
  return rateLimit({
    ...common,
    limit,
    identifier: 'requests',
    skip: (_request, { locals: { principal } }) => principal?.by === 'loopback' || principal?.by === 'own',
    keyGenerator: (request, { locals: { principal } }) =>
      principal ? `name ${principal.name}` : addressOf(request),
  });
}

/**
 * Counts wrong credentials per address; beyond the limit they are answered with 429. Right ones are always
 * let in, so that nobody is locked out by others behind the same address; guessing 256 random bits is
 * hopeless at any pace.
 */
export function limitFailedLogins(limit: number): ErrorRequestHandler {
  const count = rateLimit({ ...common, limit, identifier: 'failed logins', keyGenerator: addressOf });
  return async (error: unknown, request, response, next) => {
    if (error instanceof HttpError && error.code === 'CREDENTIALS_REFUSED') {
      await count(request, response, (tooMany?: unknown) => next(tooMany ?? error));
    } else {
      next(error);
    }
  };
}

export function limitUrl(bytes: number): RequestHandler {
  return (request, _response, next) => {
    if (request.originalUrl.length > bytes) throw new HttpError('URL_TOO_LONG', 'the address is too long');
    next();
  };
}

/** An IPv6 client owns a whole network of addresses, and counts as one. */
const addressOf = (request: Request): string => `address ${ipKeyGenerator(request.ip ?? '')}`;
