import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { HttpError } from '../http-error.ts';
import { type Credentials, checkToken, presentedToken, type TokenSources } from './credentials.ts';
import type { Principal } from './principal.ts';
import type { Sessions } from './sessions.ts';

export interface AuthenticatorParts extends TokenSources {
  readonly sessions: Sessions;
  /** The node's own token; see local-access.ts. */
  readonly ownToken: string;
}

/** Says who sent a request, by its Authorization header or else by its session cookie. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /** @throws HttpError CREDENTIALS_REFUSED */
  async identify(request: Request): Promise<Principal | undefined> {
    const token = presentedToken(request);
    if (token === undefined) {
      const credentials = await this.#parts.sessions.find(request);
      return credentials && { name: credentials.name, roles: credentials.roles, by: 'cookie' };
    }
    if (isFromThisMachine(request) && isSame(token, this.#parts.ownToken)) {
      return { name: 'node', roles: ['operator'], by: 'own' };
    }
    const { name, roles } = await this.#credentials(token);
    return { name, roles, by: 'bearer' };
  }

  /**
   * Begins a browser's session.
   * @throws HttpError CREDENTIALS_REFUSED
   */
  async logIn(request: Request, response: Response, token: string): Promise<Principal> {
    const credentials = await this.#credentials(token);
    this.#parts.sessions.begin(request, response, credentials);
    return { name: credentials.name, roles: credentials.roles, by: 'cookie' };
  }

  logOut(request: Request, response: Response): void {
    this.#parts.sessions.end(request, response);
  }

  async #credentials(token: string): Promise<Credentials> {
    const credentials = await checkToken(token, this.#parts);
    if (!credentials) throw new HttpError('CREDENTIALS_REFUSED', 'the token is wrong, expired or revoked');
    return credentials;
  }
}

/** By the connection itself, whatever headers of proxies say. */
const isFromThisMachine = ({ socket }: Request): boolean =>
  /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '');

const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
