import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDoors } from '../../src/compose/doors.ts';
import { createLogger } from '../../src/compose/logger.ts';
import { startNode } from '../../src/compose.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { readLocalAccess } from '../../src/http/security/local-access.ts';
import { freePort } from '../support/free-port.ts';
import { testLog } from '../support/test-log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function configOf(over: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Config {
  const overrides = {
    database: { folder: path.join(folder, 'database') },
    archive: { kind: 'embedded', folder: path.join(folder, 'archive') },
    watch: { schedule: '0 0 0 29 2 *' },
    audit: { folder: path.join(folder, 'audit') },
    log: testLog('start'),
    ...over,
    intake: { spoolFolder: path.join(folder, 'spool'), ...over['intake'] },
  };
  return loadConfig({ environment: {}, overrides });
}

async function takePort(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('the doors of a node that starts', () => {
  it('say that it lives and is not ready, refuse all else with 503, and then answer for it', async () => {
    const config = configOf({
      http: { port: 0, basePath: '/pancreas' },
      auth: { tokensFile: path.join(folder, 'tokens.json') },
    });
    const logger = createLogger(config);
    const doors = await openDoors(config, { ownToken: 'token', logger });
    const origin = new URL(doors.url).origin;
    for (const base of [doors.url, origin]) {
      expect((await fetch(`${base}/healthz`)).status).toBe(200);
      const ready = await fetch(`${base}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ reasons: ['the node is starting'] });
    }
    for (const request of ['/', '/api/studies', '/metrics', '/dicom-web/studies', '/nowhere']) {
      const refused = await fetch(`${doors.url}${request}`);
      expect([refused.status, refused.headers.has('retry-after')], request).toEqual([503, true]);
    }
    const posted = await fetch(`${doors.url}/dicom-web/studies`, {
      method: 'POST',
      body: 'x'.repeat(100_000),
    });
    expect(posted.status).toBe(503);
    await mkdir(path.join(folder, 'database'));
    const localAccess = path.join(folder, 'database', 'local-access.json');
    expect(await readLocalAccess(localAccess)).toBeUndefined();

    const serving = await doors.serve(
      express().get('/pancreas/', (_request, response) => void response.send('here')),
    );
    expect(await (await fetch(`${doors.url}/`)).text()).toBe('here');
    expect(await readLocalAccess(localAccess)).toEqual(doors.own);
    await serving[Symbol.asyncDispose]();
    await expect(fetch(`${doors.url}/`)).rejects.toThrow('fetch failed');
    expect(await readLocalAccess(localAccess)).toBeUndefined();
    await doors[Symbol.asyncDispose]();
  });
});

describe('a start that fails', () => {
  it('late leaves nothing open: its ports, its database and its spool are free for the next', async () => {
    const [port, dimsePort] = [await freePort(), await freePort()];
    const config = configOf({
      http: { port },
      intake: { dimse: { enabled: true, port: dimsePort, host: '127.0.0.1', aeTitle: 'NODE' } },
    });
    const other = await takePort(dimsePort);
    await expect(startNode(config)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    other.close();
    await once(other, 'close');
    const node = await startNode(config);
    expect((await fetch(`${node.url}/readyz`)).status).toBe(200);
    await node.stop();
  });

  it('at once, where its port is taken, touches nothing', async () => {
    const other = await takePort(0);
    const { port } = other.address() as AddressInfo;
    await expect(startNode(configOf({ http: { port } }))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const node = await startNode(configOf({ http: { port: 0 } }));
    await node.stop();
    other.close();
  });
});
