import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addToken } from '../../src/http/security/token-file.ts';
import { freePort } from '../support/free-port.ts';
import { PATIENCE } from '../support/patience.ts';
import { describeWith, programPath } from '../support/requires.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

const INSTALL_GUIDE = path.resolve(import.meta.dirname, '../../docs/install.md');
/** Nothing answers there; the pages need no archive. */
const NO_ARCHIVE = 'http://127.0.0.1:9/dicom-web';

describeWith(['nginx'], 'a node behind nginx, below a path, as docs/install.md has it', () => {
  let folder: string;
  let testNode: TestNode;
  let proxy: string;
  let headers: Record<string, string>;
  let stopNginx: () => Promise<void>;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'reverse-proxy-'));
    const port = await freePort();
    proxy = `http://127.0.0.1:${port}`;
    const tokensFile = path.join(folder, 'tokens.json');
    const token = await addToken(tokensFile, { name: 'me', role: 'viewer', expires: null, now: new Date() });
    headers = { Authorization: `Bearer ${token}` };
    testNode = await startTestNode(NO_ARCHIVE, {
      auth: { tokensFile },
      http: { port: 0, basePath: '/pansegnet', hosts: [`127.0.0.1:${port}`], trustedProxies: ['loopback'] },
    });
    const block = /```nginx\n([^`]*)```/.exec(await readFile(INSTALL_GUIDE, 'utf8'))?.[1] ?? '';
    const location = block.replace('http://127.0.0.1:8080', new URL(testNode.node().url).origin);
    const configuration = path.join(folder, 'nginx.conf');
    await writeFile(configuration, serverWith(location, port));
    const nginx = spawn(programPath('nginx'), ['-p', folder, '-c', configuration, '-e', 'stderr'], {
      stdio: 'ignore',
    });
    const exited = once(nginx, 'exit');
    stopNginx = async () => {
      nginx.kill('SIGTERM');
      await exited;
    };
    const limit = AbortSignal.timeout(PATIENCE.timeout);
    while (!(await fetch(`${proxy}/pansegnet/healthz`).catch(() => undefined))) {
      if (limit.aborted) throw new Error('nginx does not answer');
      await delay(50);
    }
  });
  afterAll(async () => {
    await stopNginx?.();
    await testNode?.stop();
    await rm(folder, { recursive: true });
  });

  const serverWith = (location: string, port: number): string => `
    daemon off; pid ${folder}/pid; error_log stderr;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      server { listen 127.0.0.1:${port}; ${location} }
    }`;

  it('shows its page, and every link and asset of it is below the path and there', async () => {
    const page = await fetch(`${proxy}/pansegnet/`, { headers });
    expect(page.status).toBe(200);
    const links = [...(await page.text()).matchAll(/(?:src|href|action)="([^"#]+)"/g)].map(
      ([, link = '']) => link,
    );
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const { pathname } = new URL(link, `${proxy}/pansegnet/`);
      expect(pathname.startsWith('/pansegnet/') || pathname === '/pansegnet', link).toBe(true);
    }
    const assets = links.filter((link) => link.includes('/assets/'));
    expect(assets.length).toBeGreaterThan(0);
    for (const link of assets) expect((await fetch(new URL(link, proxy))).status, link).toBe(200);
  });

  it('answers the API, and sends events as they come', async () => {
    expect((await fetch(`${proxy}/pansegnet/api/studies`, { headers })).status).toBe(200);
    const stopping = new AbortController();
    const events = await fetch(`${proxy}/pansegnet/api/events`, { headers, signal: stopping.signal });
    expect(events.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect((await events.body?.getReader().read())?.done).toBe(false);
    stopping.abort();
  });

  it('is not found beside the path, except for its health', async () => {
    const { origin } = new URL(testNode.node().url);
    expect((await fetch(`${origin}/`, { headers })).status).toBe(404);
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  });
});
