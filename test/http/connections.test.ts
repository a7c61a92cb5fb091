import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectionLimits, listen, type RunningServer } from '../../src/http/listen.ts';

const LIMITS: ConnectionLimits = {
  connections: 6,
  connectionsPerAddress: 4,
  isProxy: () => false,
  headerMs: 60_000,
  idleMs: 60_000,
  requestMs: 60_000,
};

let server: RunningServer;
const sockets: net.Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

/** Whoever shows a name is let in; `/slow` is never answered. */
const answer: RequestListener = (request, response) => {
  const name = request.headers.authorization;
  if (name !== undefined) Object.assign(response, { locals: { principal: { name } } });
  if (request.url !== '/slow') response.end('ok');
};
const start = async (limits: Partial<ConnectionLimits> = {}): Promise<void> => {
  server = await listen(answer, '127.0.0.1', 0, { limits: { ...LIMITS, ...limits } });
};

const connect = async (localAddress = '127.0.0.1'): Promise<net.Socket> => {
  const socket = net.connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.resume(); // only who reads hears that the other side has ended it
  return socket;
};
/** The status of the answer; undefined where the connection ended without one. */
const ask = async (socket: net.Socket, target = '/', name?: string): Promise<string | undefined> => {
  const authorization = name === undefined ? '' : `Authorization: ${name}\r\n`;
  const ended = once(socket, 'close').then(() => undefined);
  const answered = once(socket, 'data').then(([data]) => /^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1]);
  socket.write(`GET ${target} HTTP/1.1\r\nHost: n\r\n${authorization}\r\n`);
  return Promise.race([answered, ended]);
};
const letIn = async (address?: string): Promise<net.Socket> => {
  const socket = await connect(address);
  expect(await ask(socket, '/', 'ann')).toBe('200');
  return socket;
};

describe('where an address has as many connections as it may', () => {
  it('the oldest one on which nobody was let in gives way to a new one', async () => {
    await start();
    const [first, second] = [await connect(), await connect()];
    const known = await letIn();
    const slow = await connect();
    slow.write('POST /login HTTP/1.1\r\nHost: n\r\nContent-Length: 9\r\n\r\nto');
    const ended = [once(first, 'close'), once(second, 'close'), once(slow, 'close')];
    for (const old of ended) {
      expect(await ask(await connect())).toBe('200');
      await old;
    }
    expect(await ask(known, '/', 'ann')).toBe('200');
  });

  it('a new one is for health checks where somebody was let in on all of them; others come in', async () => {
    await start();
    for (let count = 0; count < 4; count++) await letIn();
    expect(await ask(await connect())).toBe('503');
    expect(await ask(await connect(), '/healthz')).toBe('200');
    expect(await ask(await connect('127.0.0.2'))).toBe('200');
  });

  it('a trusted proxy has no bound of its own', async () => {
    await start({ connections: 9, isProxy: (address) => address === '127.0.0.1' });
    for (let count = 0; count < 8; count++) await letIn();
    expect(await ask(await connect())).toBe('200');
  });
});

describe('where all connections are in use', () => {
  const fill = async (): Promise<net.Socket[]> => [
    ...(await Promise.all([1, 2, 3].map(() => letIn('127.0.0.3')))),
    ...(await Promise.all([1, 2, 3].map(() => letIn('127.0.0.4')))),
  ];

  it('health checks are answered, and everybody else is told so', async () => {
    await start();
    await fill();
    for (const target of ['/healthz', '/pan/readyz', '/healthz']) {
      expect(await ask(await connect(), target)).toBe('200');
    }
    expect(await ask(await connect(), '/')).toBe('503');
  });

  it('connections that say nothing do not keep a health check out', async () => {
    await start({ connectionsPerAddress: 1_000 });
    await fill();
    for (let count = 0; count < 200; count++) await connect('127.0.0.5');
    expect(await ask(await connect(), '/healthz')).toBe('200');
  });

  it('those on which nobody was let in give way, whatever their address', async () => {
    await start();
    for (const address of [1, 2, 3, 4, 5, 6].map((last) => `127.0.1.${last}`)) await connect(address);
    for (let count = 0; count < 4; count++) await letIn();
    expect(await ask(await connect('127.0.0.2'))).toBe('200');
  });
});

describe('a connection', () => {
  it('ends when a header does not come in time, within seconds', async () => {
    await start({ headerMs: 100 });
    const silent = await connect();
    const slow = await connect();
    slow.write('GET / HTTP/1.1\r\nX-Slow: ');
    const ended = await Promise.all([once(silent, 'close'), once(slow, 'close')]);
    expect(ended).toHaveLength(2);
  });

  it('ends when more requests are sent on it than anybody waits for', async () => {
    await start();
    const socket = await connect();
    socket.write('GET /slow HTTP/1.1\r\nHost: n\r\n\r\n'.repeat(400));
    await once(socket, 'close');
    expect(await ask(await connect())).toBe('200');
  });
});
