import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Credentials } from './credentials.ts';

const COOKIE = 'pansegnet-session';
const ID_BYTES = 32;
/** More people than look at a node at a time; the oldest session gives way. */
const MAX_SESSIONS = 1_000;
/** Browsers of one person; whoever begins more ends their own, and nobody else's. */
const MAX_OF_ONE = 32;

interface Session {
  readonly credentials: Credentials;
  readonly expires: number;
}

/**
 * Browsers that showed a token once. The cookie holds a random number, never the token; the node remembers
 * its hash, in memory: after a restart people show their token again.
 */
export class Sessions {
  readonly #lifeMs: number;
  readonly #path: string;
  readonly #now: () => Date;
  readonly #sessions = new Map<string, Session>();

  constructor({ hours, basePath, now }: { hours: number; basePath: string; now: () => Date }) {
    this.#lifeMs = hours * 3_600_000;
    this.#path = basePath || '/';
    this.#now = now;
  }

  begin(request: Request, response: Response, credentials: Credentials): void {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const end = this.#now().getTime() + this.#lifeMs;
    const expires = Math.min(end, credentials.expires?.getTime() ?? end);
    this.#sessions.set(hash(id), { credentials, expires });
    const own = [...this.#sessions].filter(([, session]) => session.credentials.name === credentials.name);
    for (const [oldest] of own.slice(0, -MAX_OF_ONE)) this.#sessions.delete(oldest);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    response.cookie(COOKIE, id, {
      httpOnly: true,
      sameSite: 'strict',
      secure: request.secure,
      path: this.#path,
    });
  }

  async find(request: Request): Promise<Credentials | undefined> {
    const id = sessionCookieOf(request);
    if (id === undefined) return undefined;
    const key = hash(id);
    const session = this.#sessions.get(key);
    if (!session) return undefined;
    // A revoked token ends the sessions that it began.
    if (session.expires > this.#now().getTime() && (await session.credentials.stillValid())) {
      return session.credentials;
    }
    this.#sessions.delete(key);
    return undefined;
  }

  end(request: Request, response: Response): void {
    const id = sessionCookieOf(request);
    if (id !== undefined) this.#sessions.delete(hash(id));
    response.clearCookie(COOKIE, {
      path: this.#path,
      httpOnly: true,
      sameSite: 'strict',
      secure: request.secure,
    });
  }
}

/** What the cookie of a session holds. */
export function sessionCookieOf(request: Request): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
}

const hash = (id: string): string => createHash('sha256').update(id).digest('hex');
