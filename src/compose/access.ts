import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { Authenticator } from '../http/security/authenticator.ts';
import { type LoginParts, loginRoutes } from '../http/security/login.ts';
import { OidcVerifier } from '../http/security/oidc.ts';
import { Sessions } from '../http/security/sessions.ts';
import { Strangers } from '../http/security/strangers.ts';
import { readTokens, TokenFile } from '../http/security/token-file.ts';
import type { HttpAccess } from '../http/server.ts';

export interface AccessParts {
  readonly ownToken: string;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Told of browsers that log in and out. */
  readonly onSession: LoginParts['onSession'];
}

/** Authentication as configured; undefined where there is none, on loopback. */
export async function composeAccess(
  { auth, http }: Config,
  { ownToken, logger, now, onSession }: AccessParts,
): Promise<HttpAccess | undefined> {
  const { tokensFile, oidc, sessionHours } = auth;
  const { issuer, audience } = oidc;
  if (tokensFile === null && issuer === null) return undefined;
  if (tokensFile !== null && issuer === null && (await readTokens(tokensFile)).length === 0) {
    logger.warn(
      { tokensFile },
      'there is no token yet, so nobody can log in; `token add NAME --role ROLE` makes one',
    );
  }
  const authenticator = new Authenticator({
    file: tokensFile === null ? undefined : new TokenFile(tokensFile, now),
    oidc: issuer === null || audience === null ? undefined : new OidcVerifier({ ...oidc, issuer, audience }),
    sessions: new Sessions({ hours: sessionHours, basePath: http.basePath, now }),
    ownToken,
    now,
  });
  const strangers = new Strangers(http.limits);
  return {
    identify: (request) => authenticator.identify(request),
    login: loginRoutes({
      authenticator,
      basePath: http.basePath,
      limitWrong: strangers.limitWrong,
      onSession,
    }),
    strangers,
  };
}
