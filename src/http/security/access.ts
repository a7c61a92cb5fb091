import type { Request, RequestHandler } from 'express';
import { HttpError } from '../http-error.ts';
import { type Identify, mayAct, type Principal, type Role } from './principal.ts';

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
export const isSafe = (method: string): boolean => SAFE_METHODS.has(method);

/**
 * Finds out who sent the request, before any router that may answer it.
 * @param letIn told of requests by somebody
 */
export function identified(identify: Identify, letIn: (request: Request) => void): RequestHandler {
  return async (request, response, next) => {
    const principal = await identify(request);
    if (principal) {
      letIn(request);
      response.locals.principal = principal;
      response.locals.isStillIn = () => isStillIn(identify, request, principal);
    }
    next();
  };
}

async function isStillIn(identify: Identify, request: Request, before: Principal): Promise<boolean> {
  try {
    const now = await identify(request);
    return (
      now !== undefined && now.name === before.name && before.roles.every((role) => now.roles.includes(role))
    );
  } catch (error) {
    // Where nobody can say, as with a provider that does not answer, the connection stays.
    if (error instanceof HttpError && error.code === 'CREDENTIALS_REFUSED') return false;
    return true;
  }
}

/** Below /api: the one change that reviewers may make. Express ignores the case of paths. */
const REVIEW = /^\/results\/[^/]+\/review\/?$/i;

/** A search with its words in the body changes nothing. */
const SEARCH = /^\/studies\/search\/?$/i;

/** The role that a change by the API needs. */
export const changeByApi = ({ path }: Request): Role =>
  SEARCH.test(path) ? 'viewer' : REVIEW.test(path) ? 'reviewer' : 'operator';

/** The role that a form sent to a page needs: the list of studies is searched by one. */
export const changeByPage = ({ path }: Request): Role => (path === '/' ? 'viewer' : 'operator');

/**
 * Stands before the routers of one path.
 * @param changing the role that other methods than GET need there
 * @param loginPage where a browser is sent that shows no credentials, instead of an answer that only programs
 * understand
 * @throws HttpError UNAUTHENTICATED, FORBIDDEN
 */
export function allow(
  reading: Role,
  changing: Role | ((request: Request) => Role),
  loginPage?: string,
): RequestHandler {
  return (request, response, next) => {
    const { principal } = response.locals;
    const change = typeof changing === 'string' ? changing : changing(request);
    const role = isSafe(request.method) ? reading : change;
    if (principal === undefined) {
      if (loginPage && isSafe(request.method) && request.accepts(['json', 'html']) === 'html') {
        response.redirect(303, loginPage);
        return;
      }
      throw new HttpError('UNAUTHENTICATED', 'a valid token is needed: Authorization: Bearer TOKEN');
    }
    if (!mayAct(principal, role)) throw new HttpError('FORBIDDEN', `this needs the role ${role}`);
    next();
  };
}
