import { readFile, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { addToken, readTokens, revokeToken } from '../../src/http/security/token-file.ts';
import { type GuardedApp, startGuardedApp } from '../support/guarded-app.ts';

const open: GuardedApp[] = [];
const start = async (...options: Parameters<typeof startGuardedApp>): Promise<GuardedApp> => {
  const app = await startGuardedApp(...options);
  open.push(app);
  return app;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

async function status(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
  const answer = await fetch(url, { method, headers, redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}

/** fetch does not let a program choose Host. */
async function statusForHost(url: string, host: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  http
    .get(url, { headers: { Host: host } }, (answer) => resolve(answer.resume().statusCode))
    .on('error', reject);
  return promise;
}

describe('a node with authentication', () => {
  it('answers nobody without a token, but for health and assets', async () => {
    const { url, reached } = await start();
    for (const path of ['/', '/api/studies', '/dicom-web/studies', '/metrics', '/nothing', '/API/Studies/']) {
      expect([path, await status(url + path)]).toEqual([path, 401]);
    }
    expect(reached).toEqual([]);
    expect(await status(`${url}/healthz`)).toBe(200);
    expect(await status(`${url}/assets/style.css`)).toBe(200);
  });

  it('refuses wrong tokens, and other kinds of credentials', async () => {
    const { url, tokens } = await start();
    const wrong = [
      'Bearer wrong',
      'Bearer ',
      'Bearer',
      `Bearer ${tokens.viewer}x`,
      `Bearer ${tokens.viewer.slice(0, -1)}`,
      `Digest ${tokens.viewer}`,
      tokens.viewer,
      `Basic ${Buffer.from('eve:wrong').toString('base64')}`,
      'Bearer a.b.c',
    ];
    for (const Authorization of wrong) {
      expect([Authorization, await status(`${url}/api/studies`, { Authorization })]).toEqual([
        Authorization,
        401,
      ]);
    }
    const answer = await fetch(`${url}/api/studies`, { headers: bearer('wrong') });
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer');
    expect(await answer.json()).toMatchObject({ code: 'CREDENTIALS_REFUSED' });
  });

  it.each([
    ['viewer', 'GET', '/', 200],
    ['viewer', 'GET', '/api/studies', 200],
    ['viewer', 'GET', '/metrics', 200],
    ['viewer', 'GET', '/dicom-web/studies', 200],
    ['viewer', 'POST', '/api/studies/1.2/process', 403],
    ['viewer', 'DELETE', '/api/studies/1.2', 403],
    ['viewer', 'POST', '/api/results/1.2/review', 403],
    ['reviewer', 'POST', '/api/results/1.2/review', 200],
    ['reviewer', 'GET', '/', 200],
    ['reviewer', 'POST', '/api/studies/1.2/process', 403],
    ['reviewer', 'POST', '/api/results/1.2/review/x', 403],
    ['sender', 'POST', '/api/results/1.2/review', 403],
    ['operator', 'POST', '/api/results/1.2/review', 200],
    ['viewer', 'POST', '/dicom-web/studies', 403],
    ['viewer', 'POST', '/api/notify', 403],
    ['viewer', 'GET', '/api/audit/2026-03-01', 403],
    ['operator', 'GET', '/api/audit/2026-03-01', 200],
    ['sender', 'POST', '/dicom-web/studies', 200],
    ['sender', 'POST', '/api/notify', 200],
    ['sender', 'GET', '/dicom-web/studies', 403],
    ['sender', 'GET', '/api/studies', 403],
    ['sender', 'GET', '/', 403],
    ['sender', 'POST', '/api/studies/1.2/process', 403],
    ['sender', 'POST', '/API/STUDIES/1.2/PROCESS/', 403],
    ['operator', 'GET', '/', 200],
    ['operator', 'POST', '/api/studies/1.2/process', 200],
    ['operator', 'DELETE', '/api/studies/1.2', 200],
    ['operator', 'POST', '/api/notify', 200],
    ['operator', 'POST', '/dicom-web/studies', 200],
  ] as const)('as %s: %s %s is answered %i', async (role, method, path, expected) => {
    const { url, tokens } = await start();
    expect(await status(url + path, bearer(tokens[role]), method)).toBe(expected);
  });

  it('takes a token as the password of Basic, too', async () => {
    const { url, tokens, reached } = await start();
    const Authorization = `Basic ${Buffer.from(`any:${tokens.sender}`).toString('base64')}`;
    expect(await status(`${url}/api/notify`, { Authorization }, 'POST')).toBe(200);
    expect(reached).toEqual(['notify POST / scanner']);
  });

  it('counts a token from the moment it is added until it is revoked or expires', async () => {
    let now = new Date();
    const { url, tokensFile, tokens } = await start({ now: () => now });
    const expires = new Date(now.getTime() + 60_000);
    const late = await addToken(tokensFile, { name: 'late', role: 'viewer', expires, now });
    expect(await status(`${url}/api/x`, bearer(late))).toBe(200);
    now = new Date(expires.getTime() + 1);
    expect(await status(`${url}/api/x`, bearer(late))).toBe(401);
    expect(await status(`${url}/api/x`, bearer(tokens.viewer))).toBe(200);
    await revokeToken(tokensFile, 'eve', now);
    expect(await status(`${url}/api/x`, bearer(tokens.viewer))).toBe(401);
  });

  it('keeps hashes of tokens alone, in a file for its own user', async () => {
    const { tokensFile, tokens } = await start();
    const text = await readFile(tokensFile, 'utf8');
    for (const token of Object.values(tokens)) expect(text).not.toContain(token);
    expect((await stat(tokensFile)).mode & 0o077).toBe(0);
    await expect(
      addToken(tokensFile, { name: 'eve', role: 'operator', expires: null, now: new Date() }),
    ).rejects.toThrow('there is a token "eve" already');
  });

  it('lets nobody in while the file of tokens is damaged', async () => {
    const { url, tokens, tokensFile, problems } = await start();
    await writeFile(tokensFile, '{ "tokens": [');
    await expect(readTokens(tokensFile)).rejects.toThrow('damaged');
    expect(await status(`${url}/api/x`, bearer(tokens.viewer))).toBe(503);
    expect(problems).toHaveLength(1);
  });

  it("takes the node's own token as an operator's", async () => {
    const { url, ownToken, reached } = await start();
    expect(await status(`${url}/api/studies/1/process`, bearer(ownToken), 'POST')).toBe(200);
    expect(reached).toEqual(['api POST /studies/1/process node']);
  });

  it('answers 429 to wrong credentials beyond a limit, and lets right ones in still', async () => {
    const { url, tokens } = await start({ limits: { failedLoginsPerMinute: 3 } });
    const tries = [];
    for (let count = 0; count < 5; count++) tries.push(await status(`${url}/api/x`, bearer('guess')));
    expect(tries).toEqual([401, 401, 401, 429, 429]);
    expect(await status(`${url}/api/x`, bearer(tokens.viewer))).toBe(200);
  });

  it('answers 429 with Retry-After to who asks too much, and others go on', async () => {
    const { url, tokens, ownToken } = await start({ limits: { requestsPerMinute: 2 } });
    const codes = [];
    for (let count = 0; count < 3; count++) codes.push(await status(`${url}/api/x`, bearer(tokens.viewer)));
    expect(codes).toEqual([200, 200, 429]);
    const answer = await fetch(`${url}/api/x`, { headers: bearer(tokens.viewer) });
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(await status(`${url}/api/x`, bearer(tokens.operator))).toBe(200);
    for (let count = 0; count < 4; count++) {
      expect(await status(`${url}/api/x`, bearer(ownToken))).toBe(200);
    }
  });
});

describe('strangers who ask too much', () => {
  it('are refused late, before anything else is asked, and who was let in goes on', async () => {
    const { url, tokens, tokensFile, refused, reached } = await start({ limits: { requestsPerMinute: 20 } });
    expect(await status(`${url}/api/x`, bearer(tokens.viewer))).toBe(200);
    reached.length = 0;
    const ask = () => status(`${url}/api/studies`);
    const first = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(first)).toEqual(new Set([401]));
    // Nobody is looked for in the file of tokens any more: broken, it would be a 503.
    const text = await readFile(tokensFile, 'utf8');
    await writeFile(tokensFile, '{');
    const begin = performance.now();
    const more = await Promise.all(Array.from({ length: 40 }, ask));
    expect(new Set(more)).toEqual(new Set([429]));
    expect(performance.now() - begin).toBeGreaterThan(900);
    expect(refused).toHaveLength(40);
    await writeFile(tokensFile, text);
    expect(await status(`${url}/api/x`, bearer(tokens.viewer))).toBe(200);
    expect(await status(`${url}/healthz`)).toBe(200);
    expect(reached).toEqual(['api GET /x eve']);
  });

  it('with guesses are looked at only so often, so that a right token still comes in', async () => {
    const { url, tokens, refused } = await start({ limits: { failedLoginsPerMinute: 3 } });
    const guess = (token: string) => status(`${url}/api/x`, bearer(token));
    await Promise.all(Array.from({ length: 500 }, (_, index) => guess(`guess${index}`)));
    expect(refused.length).toBeGreaterThan(50);
    expect(refused.length).toBeLessThan(497);
    await expect.poll(() => guess(tokens.viewer), { timeout: 10_000 }).toBe(200);
  });

  it('have ten seconds for a body, or what is configured, and then their connection ends', async () => {
    const { url, tokens } = await start({ limits: { bodySeconds: 0.2 } });
    const slow = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const request = http.request(url + path, {
        method: 'POST',
        headers: { 'Content-Length': 99, ...headers },
      });
      request.on('response', (answer) => {
        answer.resume();
        answer.socket.once('close', () => resolve(`${answer.statusCode}, closed`));
      });
      request.on('error', () => resolve('closed'));
      request.write('token=');
      return promise;
    };
    expect(await slow('/login', { 'Content-Type': 'application/x-www-form-urlencoded' })).toBe('408, closed');
    const json = { 'Content-Type': 'application/json', ...bearer(tokens.operator) };
    expect(await slow('/api/studies/1/process', json)).toBe('408, closed');
    expect(await slow('/healthz')).toMatch(/closed$/);
    expect(await slow('/dicom-web/studies')).toBe('401, closed');
  });

  it('send studies as slowly as they must, where they may send any', async () => {
    const { url, tokens, reached } = await start({ limits: { bodySeconds: 0.1 } });
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const request = http.request(`${url}/dicom-web/studies`, {
      method: 'POST',
      headers: bearer(tokens.sender),
    });
    request.on('response', (answer) => resolve(answer.resume().statusCode));
    request.write('a');
    setTimeout(() => request.end('b'), 400);
    expect(await promise).toBe(200);
    expect(reached).toEqual(['archive POST /studies scanner']);
  });
});

describe('a person in a browser', () => {
  const HTML = { Accept: 'text/html,*/*;q=0.8' };
  const logIn = (url: string, token: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers: { ...HTML, Origin: new URL(url).origin, ...headers },
      redirect: 'manual',
    });
  const cookieOf = (answer: Response): string => answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';

  it('is sent to the page that asks for a token', async () => {
    const { url } = await start({ basePath: '/pan' });
    const answer = await fetch(`${url}/`, { headers: HTML, redirect: 'manual' });
    expect([answer.status, answer.headers.get('Location')]).toEqual([303, '/pan/login']);
    expect(await (await fetch(`${url}/login`)).text()).toContain('<form method="post" action="/pan/login">');
  });

  it('shows a token once; the cookie is out of reach for scripts and other sites, and is not the token', async () => {
    const { url, tokens } = await start();
    const answer = await logIn(url, tokens.viewer);
    expect([answer.status, answer.headers.get('Location')]).toEqual([303, '/']);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Strict/);
    expect(cookie).not.toContain(tokens.viewer);
    expect(await status(`${url}/`, { Cookie: cookieOf(answer) })).toBe(200);
    expect(await status(`${url}/`, { Cookie: `${cookieOf(answer)}x` })).toBe(401);
  });

  it('sees the form again after a wrong token', async () => {
    const { url } = await start();
    const answer = await logIn(url, 'wrong');
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('This token is wrong, expired or revoked.');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('changes something from pages of the node alone', async () => {
    const { url, tokens } = await start();
    const Cookie = cookieOf(await logIn(url, tokens.operator));
    const post = (headers: Record<string, string>) =>
      status(`${url}/api/studies/1/process`, { Cookie, ...headers }, 'POST');
    expect(await post({ Origin: new URL(url).origin })).toBe(200);
    expect(await post({ 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    expect(await post({})).toBe(403);
    expect(await post({ Origin: 'https://evil.example' })).toBe(403);
    expect(await post({ Origin: 'null' })).toBe(403);
    expect(await post({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await post({ 'Sec-Fetch-Site': 'same-site', Origin: new URL(url).origin })).toBe(403);
    // Nor can another site log a browser in, with a token of its own.
    expect((await logIn(url, tokens.viewer, { Origin: 'https://evil.example' })).status).toBe(403);
  });

  it('is out after logging out, after the token was revoked, and after the time of a session', async () => {
    let now = new Date();
    const { url, tokens, tokensFile } = await start({ now: () => now, auth: { sessionHours: 1 } });
    const [first, second, third] = [
      cookieOf(await logIn(url, tokens.viewer)),
      cookieOf(await logIn(url, tokens.operator)),
      cookieOf(await logIn(url, tokens.sender)),
    ];
    expect(await status(`${url}/logout`, { Cookie: first, Origin: new URL(url).origin }, 'POST')).toBe(303);
    expect(await status(`${url}/`, { Cookie: first })).toBe(401);
    await revokeToken(tokensFile, 'otto', now);
    expect(await status(`${url}/`, { Cookie: second })).toBe(401);
    expect(await status(`${url}/`, { Cookie: third })).toBe(403);
    now = new Date(now.getTime() + 3_600_001);
    expect(await status(`${url}/`, { Cookie: third })).toBe(401);
  });

  it('who logs in again and again ends sessions of their own alone', async () => {
    const { url, tokens } = await start();
    const others = cookieOf(await logIn(url, tokens.operator));
    const first = cookieOf(await logIn(url, tokens.viewer));
    for (let count = 0; count < 32; count++) await logIn(url, tokens.viewer);
    expect(await status(`${url}/`, { Cookie: first })).toBe(401);
    expect(await status(`${url}/`, { Cookie: others })).toBe(200);
  });

  it('gets pages that run nothing inline and are not framed', async () => {
    const { url } = await start();
    const { headers } = await fetch(`${url}/login`);
    const policy = headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Referrer-Policy')).toBe('same-origin');
    expect(headers.get('X-Powered-By')).toBeNull();
  });
});

describe('a node without authentication, on loopback', () => {
  it('takes everybody there for an operator', async () => {
    const { url, reached } = await start({ authentication: false });
    expect(await status(`${url}/api/studies/1/process`, {}, 'POST')).toBe(200);
    expect(reached).toEqual(['api POST /studies/1/process local']);
  });

  it('answers only to names that it goes by, so that no web page reaches it under its own', async () => {
    const { url, reached } = await start({ authentication: false });
    const { port } = new URL(url);
    for (const host of [`localhost:${port}`, '127.0.0.1', `[::1]:${port}`]) {
      expect([host, await statusForHost(`${url}/api/x`, host)]).toEqual([host, 200]);
    }
    reached.length = 0;
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ]) {
      expect([host, await statusForHost(`${url}/api/x`, host)]).toEqual([host, 421]);
    }
    expect(reached).toEqual([]);
  });

  it('refuses requests that pages of other sites make a browser send', async () => {
    const { url, reached } = await start({ authentication: false });
    expect(await status(`${url}/api/studies/1/process`, { Origin: 'https://evil.example' }, 'POST')).toBe(
      403,
    );
    expect(await status(`${url}/dicom-web/studies`, { 'Sec-Fetch-Site': 'cross-site' }, 'POST')).toBe(403);
    expect(reached).toEqual([]);
    expect(await status(`${url}/dicom-web/studies`, {}, 'POST')).toBe(200);
  });
});

describe('requests that are wrong in themselves', () => {
  it('are refused with a 4xx and a code', async () => {
    const { url, tokens } = await start();
    const headers = bearer(tokens.operator);
    expect(await status(`${url}/api/${'a'.repeat(9_000)}`, headers)).toBe(414);
    expect(await status(`${url}/api/x`, { ...headers, 'X-Long': 'a'.repeat(20_000) })).toBe(431);
    const post = (body: string) =>
      fetch(`${url}/api/x`, {
        method: 'POST',
        body,
        headers: { ...headers, 'Content-Type': 'application/json' },
      });
    const large = await post(JSON.stringify({ text: 'a'.repeat(2_000) }));
    expect([large.status, await large.json()]).toMatchObject([413, { code: 'TOO_LARGE' }]);
    const broken = await post('{');
    expect([broken.status, await broken.json()]).toMatchObject([400, { code: 'BAD_REQUEST' }]);
  });
});
