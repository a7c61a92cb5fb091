import type { Request, RequestHandler } from 'express';
import { HttpError } from '../http-error.ts';
import { isSafe } from './access.ts';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * For a node without authentication, which trusts whoever reaches loopback: a web page whose name was made to
 * point to 127.0.0.1 (DNS rebinding) reaches it too, but its requests name the page's host.
 * @throws HttpError HOST_REFUSED
 */
export function knownHostsOnly(): RequestHandler {
  const known = new Set<string>(LOOPBACK_NAMES);
  return (request, _response, next) => {
    const host = (request.headers.host ?? '').toLowerCase();
    if (!known.has(host) && !known.has(host.replace(/:\d+$/, ''))) {
      throw new HttpError(
        'HOST_REFUSED',
        'the node does not go by this name: use 127.0.0.1, or configure authentication',
      );
    }
    next();
  };
}

/**
 * A page of another site may make a browser send requests here, with the cookie or from loopback. Browsers
 * say where such a request comes from: Origin with every method but GET and HEAD (Fetch standard, section
 * 3.2), and Sec-Fetch-Site. With a cookie one of them has to be there. Programs send neither.
 * @throws HttpError ORIGIN_REFUSED
 */
export function ownOriginOnly(hosts: readonly string[]): RequestHandler {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return (request, response, next) => {
    if (isSafe(request.method)) return next();
    const byCookie = response.locals.principal?.by === 'cookie';
    if (!comesFromHere(request, known, !byCookie)) {
      throw new HttpError('ORIGIN_REFUSED', 'the request was sent by a page of another site');
    }
    next();
  };
}

function comesFromHere(request: Request, known: ReadonlySet<string>, withoutOrigin: boolean): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return site !== undefined || withoutOrigin;
  // The scheme is not compared: behind a proxy that ends TLS the node sees http.
  const host = URL.parse(origin)?.host.toLowerCase();
  return host !== undefined && host !== '' && (host === request.host?.toLowerCase() || known.has(host));
}
