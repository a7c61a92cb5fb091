import type { Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { HttpError } from '../http-error.ts';
import { held, type StrangerLimits, tooMany } from './strangers.ts';

const MINUTE_MS = 60_000;

/** What one client may ask of the node. */
export interface RequestLimits extends StrangerLimits {
  readonly urlBytes: number;
  /** Of JSON bodies. */
  readonly bodyBytes: number;
  /** How long a body may take that is no study. */
  readonly bodyMs: number;
}

/**
 * Per token or person; not for the node itself and programs of its machine, nor for who is not known, whom
 * `Strangers` counts.
 */
export function limitRequests(limit: number): RequestHandler {
  return rateLimit({
    windowMs: MINUTE_MS,
    limit,
    identifier: 'requests',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // The library's checks of its set-up print to the console, and a client's X-Forwarded-For can trigger
    // them.
    validate: false,
    handler: (_request: Request, response: Response, next: (error: unknown) => void) =>
      void held(response).then((isThere) => isThere && next(tooMany())),
    skip: (_request, { locals: { principal } }) =>
      principal === undefined || principal.by === 'loopback' || principal.by === 'own',
    keyGenerator: (_request, { locals: { principal } }) => `name ${principal?.name}`,
  });
}

export function limitUrl(bytes: number): RequestHandler {
  return (request, _response, next) => {
    if (request.originalUrl.length > bytes) throw new HttpError('URL_TOO_LONG', 'the address is too long');
    next();
  };
}
