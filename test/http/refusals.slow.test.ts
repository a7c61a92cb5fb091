import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAuditLog } from '../../src/audit/verify.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';

/** A node with authentication, and somebody without any. No time is measured here: `bench -- refusals` does. */
describe('a node that is attacked by strangers', () => {
  let folder: string;
  let pages: PagesNode;
  let token: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'refusals-'));
    const tokensFile = path.join(folder, 'tokens.json');
    token = await addToken(tokensFile, { name: 'eve', role: 'viewer', expires: null, now: new Date() });
    pages = await startPagesNode({
      auth: { tokensFile },
      audit: { folder: path.join(folder, 'audit') },
      http: { port: 0, limits: { requestsPerMinute: 300, connectionsPerAddress: 100 } },
    });
  });
  afterAll(async () => {
    await pages?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const person = async (): Promise<number> => {
    const answer = await fetch(`${pages.node.url}/`, { headers: { Authorization: `Bearer ${token}` } });
    await answer.text();
    return answer.status;
  };
  const lines = async (): Promise<string[]> => {
    const names = (await readdir(path.join(folder, 'audit'))).filter((name) => name.endsWith('.log'));
    const texts = await Promise.all(names.map((name) => readFile(path.join(folder, 'audit', name), 'utf8')));
    return texts.join('').trim().split('\n');
  };

  it('serves who was let in, and records the strangers in two lines', async () => {
    expect(await person()).toBe(200);
    const ask = async (index: number): Promise<number> => {
      const headers = { Authorization: `Bearer guess${index}` };
      const answer = await fetch(`${pages.node.url}/api/studies/${'9'.repeat(4_000)}`, { headers });
      await answer.text();
      return answer.status;
    };
    const answers = new Set<number>();
    const attack = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) answers.add(await ask(turn));
    };
    await Promise.all(Array.from({ length: 64 }, attack));
    expect(answers).toEqual(new Set([401, 429]));
    expect(await person()).toBe(200);
    await pages.node.stop();
    const refused = (await lines()).filter((line) => line.includes('UserID="unknown"'));
    expect(refused).toHaveLength(2);
    expect(refused[0]).toContain('>HTTP status 401<');
    expect(refused[1]).toMatch(/319 more refusals .*: \d+ x HTTP status 401, \d+ x HTTP status 429/);
    expect(refused.join('').length).toBeLessThan(3_000);
    expect((await verifyAuditLog(path.join(folder, 'audit'))).problems).toEqual([]);
  });
});

describe('a node whose connections strangers hold open', () => {
  let pages: PagesNode;
  let folder: string;
  const sockets: net.Socket[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'refusals-'));
    const tokensFile = path.join(folder, 'tokens.json');
    await addToken(tokensFile, { name: 'eve', role: 'viewer', expires: null, now: new Date() });
    pages = await startPagesNode({ auth: { tokensFile } });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await pages?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('answers a health check, and a new login, after a thousand slow ones', async () => {
    const { port } = new URL(pages.node.url);
    const head = 'POST /login HTTP/1.1\r\nHost: n\r\nContent-Type: application/x-www-form-urlencoded\r\n';
    let open = 0;
    for (let count = 0; count < 1_000; count++) {
      const socket = net.connect(Number(port), '127.0.0.1', () =>
        socket.write(`${head}Content-Length: 99\r\n\r\nt`),
      );
      socket.resume().on('error', () => undefined);
      socket.on('connect', () => (open += 1)).on('close', () => (open -= 1));
      sockets.push(socket);
    }
    await expect.poll(() => open).toBeGreaterThan(100);
    expect((await fetch(`${pages.node.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${pages.node.url}/login`)).status).toBe(200);
    await expect.poll(() => open, { timeout: 10_000 }).toBeLessThanOrEqual(128);
  });
});
