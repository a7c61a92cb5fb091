import { createSecretKey } from 'node:crypto';
import express from 'express';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, type RunningServer } from '../../src/http/listen.ts';
import { type GuardedApp, startGuardedApp } from '../support/guarded-app.ts';

const AUDIENCE = 'pansegnet-node';
const keys = await generateKeyPair('RS256');
const others = await generateKeyPair('RS256');
const elliptic = await generateKeyPair('ES384');

let provider: RunningServer;
let issuer: string;
let app: GuardedApp;
let published = true;

beforeAll(async () => {
  const site = express();
  site.get('/.well-known/openid-configuration', (_request, response) => {
    response.json({ issuer, jwks_uri: `${issuer}/keys` });
  });
  site.get('/keys', async (_request, response) => {
    response.status(published ? 200 : 503);
    const list = [
      { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256' },
      { ...(await exportJWK(elliptic.publicKey)), kid: 'two', alg: 'ES384' },
    ];
    response.json({ keys: list });
  });
  provider = await listen(site, '127.0.0.1', 0);
  issuer = provider.url;
  app = await startGuardedApp({ auth: oidc(issuer), limits: { failedLoginsPerMinute: 1_000 } });
});
afterAll(async () => {
  await app.close();
  await provider.close();
});

const oidc = (address: string) => ({
  oidc: {
    issuer: address,
    audience: AUDIENCE,
    nameClaim: 'preferred_username',
    roleClaim: 'realm_access.roles',
  },
});

interface Claims {
  iss?: string;
  aud?: string;
  exp?: number;
  nbf?: number;
  realm_access?: unknown;
}
const seconds = () => Math.floor(Date.now() / 1000);
const claims = (changed: Claims = {}) => ({
  iss: issuer,
  aud: AUDIENCE,
  exp: seconds() + 300,
  preferred_username: 'erika',
  realm_access: { roles: ['pansegnet-viewer'] },
  ...changed,
});
const token = (
  changed: Claims = {},
  key: CryptoKey = keys.privateKey,
  header = { alg: 'RS256', kid: 'one' },
) => new SignJWT(claims(changed)).setProtectedHeader(header).sign(key);

async function ask(bearer: string, method = 'GET', at = app): Promise<number> {
  const headers = { Authorization: `Bearer ${bearer}` };
  const answer = await fetch(`${at.url}/api/x`, { method, headers });
  await answer.arrayBuffer();
  return answer.status;
}

describe('access tokens of an OpenID Connect provider', () => {
  it('let their holder in, by the roles that a claim names', async () => {
    app.reached.length = 0;
    expect(await ask(await token())).toBe(200);
    expect(await ask(await token(), 'POST')).toBe(403);
    const operator = { realm_access: { roles: ['other', 'pansegnet-operator'] } };
    expect(await ask(await token(operator), 'POST')).toBe(200);
    expect(app.reached).toEqual(['api GET /x erika', 'api POST /x erika']);
  });

  it('give no rights where the claim names none of the roles', async () => {
    for (const realm_access of [
      undefined,
      {},
      { roles: [] },
      { roles: ['viewer'] },
      'pansegnet-operator',
      null,
    ]) {
      expect(await ask(await token({ realm_access }))).toBe(403);
    }
  });

  it('are refused from another issuer, for another audience, before and after their time, and without an end', async () => {
    expect(await ask(await token({ iss: 'https://evil.example' }))).toBe(401);
    expect(await ask(await token({ aud: 'another-service' }))).toBe(401);
    expect(await ask(await token({ exp: seconds() - 31 }))).toBe(401);
    expect(await ask(await token({ exp: seconds() - 5 }))).toBe(200); // within the tolerance
    expect(await ask(await token({ nbf: seconds() + 120 }))).toBe(401);
    const { exp: _, ...endless } = claims();
    const header = { alg: 'RS256', kid: 'one' };
    expect(await ask(await new SignJWT(endless).setProtectedHeader(header).sign(keys.privateKey))).toBe(401);
  });

  it('are refused with a foreign signature, none, or one by an algorithm that is not allowed', async () => {
    expect(await ask(await token({}, others.privateKey))).toBe(401);
    expect(await ask(await token({}, others.privateKey, { alg: 'RS256', kid: 'unknown' }))).toBe(401);
    expect(await ask(new UnsecuredJWT(claims()).encode())).toBe(401);
    expect(await ask(await token({}, elliptic.privateKey, { alg: 'ES384', kid: 'two' }))).toBe(401);
    // The public key taken for a shared secret.
    const secret = createSecretKey(Buffer.from(await exportSPKI(keys.publicKey)));
    const confused = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' });
    expect(await ask(await confused.sign(secret))).toBe(401);
    const [head, , signature] = (await token()).split('.');
    const forged = Buffer.from(JSON.stringify(claims({ realm_access: { roles: ['pansegnet-operator'] } })));
    expect(await ask(`${head}.${forged.toString('base64url')}.${signature}`)).toBe(401);
  });

  it('stand beside tokens of the file', async () => {
    expect(await ask(app.tokens.viewer)).toBe(200);
  });

  it('cannot be checked while the provider is away: 503, not in', async () => {
    published = false;
    const late = await startGuardedApp({ auth: oidc(issuer) });
    expect(await ask(await token(), 'GET', late)).toBe(503);
    published = true;
    expect(await ask(await token(), 'GET', late)).toBe(200);
    await late.close();

    const gone = await listen(express(), '127.0.0.1', 0);
    await gone.close();
    const alone = await startGuardedApp({ auth: oidc(gone.url) });
    expect(await ask(await token(), 'GET', alone)).toBe(503);
    expect(await ask(alone.tokens.viewer, 'GET', alone)).toBe(200);
    await alone.close();
  });
});
