import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { HttpError } from '../http-error.ts';
import { ACCESS_ROLES, type Role } from './principal.ts';

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  /** null: where the discovery document says. */
  readonly jwksUrl: string | null;
  readonly algorithms: readonly string[];
  readonly nameClaim: string;
  readonly roleClaim: string;
  /** Values of the role claim that stand for each role. */
  readonly roles: Readonly<Record<Role, readonly string[]>>;
  readonly clockToleranceSeconds: number;
}

/** What an access token says about its holder. */
export interface OidcIdentity {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly expires: Date;
}

const DISCOVERY_TIMEOUT_MS = 5_000;
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

/**
 * Access tokens of an OpenID Connect provider: JSON Web Tokens (RFC 9068), verified with the provider's
 * published keys.
 */
export class OidcVerifier {
  readonly #settings: OidcSettings;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(settings: OidcSettings) {
    this.#settings = settings;
  }

  /**
   * @returns undefined where the token is not one to be accepted
   * @throws HttpError UNAVAILABLE where the provider's keys cannot be had, so that nothing can be said about
   * the token
   */
  async verify(token: string, now: Date): Promise<OidcIdentity | undefined> {
    const { issuer, audience, algorithms, clockToleranceSeconds, nameClaim } = this.#settings;
    try {
      const { payload } = await jwtVerify(token, await this.#keySource(), {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp'],
        currentDate: now,
      });
      const name = claim(payload, nameClaim);
      return {
        name: typeof name === 'string' ? name : 'unnamed',
        roles: this.#rolesOf(payload),
        expires: new Date((payload.exp ?? 0) * 1000),
      };
    } catch (error) {
      if (error instanceof HttpError) throw error;
      if (isAboutProvider(error)) throw keysUnavailable(error);
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  #rolesOf(payload: JWTPayload): Role[] {
    const values = [claim(payload, this.#settings.roleClaim)].flat();
    return ACCESS_ROLES.filter((role) => this.#settings.roles[role].some((value) => values.includes(value)));
  }

  async #keySource(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#discover();
    try {
      return await this.#keys;
    } catch (cause) {
      this.#keys = undefined; // asked again with the next token
      throw keysUnavailable(cause);
    }
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const { issuer, jwksUrl } = this.#settings;
    if (jwksUrl !== null) return createRemoteJWKSet(new URL(jwksUrl));
    // OpenID Connect Discovery 1.0, section 4.
    const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS),
      redirect: 'error',
    });
    const document = discoverySchema.parse(await answer.json());
    if (document.issuer !== issuer) throw new Error(`the provider calls itself ${document.issuer}`);
    return createRemoteJWKSet(new URL(document.jwks_uri));
  }
}

/**
 * Dots lead into nested claims; a claim whose own name has dots is found too, as some providers use
 * addresses.
 */
function claim(payload: JWTPayload, path: string): unknown {
  if (path in payload) return payload[path];
  return path.split('.').reduce<unknown>((value, key) => {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? Reflect.get(value, key)
      : undefined;
  }, payload);
}

function isAboutProvider(error: unknown): boolean {
  // JOSEError itself is thrown for an answer with keys that is no 200, or no JSON.
  return (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    (error instanceof TypeError && error.message === 'fetch failed') ||
    (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
  );
}

const keysUnavailable = (cause: unknown): HttpError =>
  new HttpError('UNAVAILABLE', "the identity provider's keys cannot be had now; the log says why", { cause });
