import type { Request } from 'express';
import type { OidcVerifier } from './oidc.ts';
import type { Role } from './principal.ts';
import type { TokenFile } from './token-file.ts';

/** What a token that is accepted stands for. */
export interface Credentials {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly expires?: Date;
  /** Whether it has not been revoked since. */
  stillValid(): Promise<boolean>;
}

export interface TokenSources {
  readonly file: TokenFile | undefined;
  readonly oidc: OidcVerifier | undefined;
  readonly now: () => Date;
}

/** A JSON Web Signature in its compact form (RFC 7515): three parts. Tokens of the file have no dots. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** @returns undefined where nothing accepts the token */
export async function checkToken(
  token: string,
  { file, oidc, now }: TokenSources,
): Promise<Credentials | undefined> {
  if (oidc && COMPACT_JWS.test(token)) {
    const identity = await oidc.verify(token, now());
    return identity && { ...identity, stillValid: async () => true };
  }
  const entry = await file?.find(token);
  if (!file || !entry) return undefined;
  const { name, role, expires, sha256 } = entry;
  return {
    name,
    roles: [role],
    ...(expires === null ? {} : { expires: new Date(expires) }),
    stillValid: () => file.holds(sha256),
  };
}

/**
 * The token of an Authorization header: Bearer (RFC 6750), or Basic with the token as its password, for
 * senders that know no other way. undefined where there is no such header; empty where it is of another kind.
 */
export function presentedToken({ headers: { authorization } }: Request): string | undefined {
  if (authorization === undefined) return undefined;
  const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return '';
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
