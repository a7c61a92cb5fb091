import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DIRECT } from '../../src/http-client/connections.ts';
import { AnswerError, ConnectionError, StatusError } from '../../src/http-client/errors.ts';
import { type ExchangeEnd, type ExchangeRequest, exchange } from '../../src/http-client/exchange.ts';
import { bodyOf, sendBody } from '../../src/http-client/request-body.ts';
import { Waiting } from '../../src/http-client/waiting.ts';
import { jsonAnswer, wholeAnswer } from '../../src/http-client/whole-answer.ts';

const LIMITS = { idleMs: 20_000, totalMs: 60_000, answerBytes: 1_000_000 };

const servers: (Server | net.Server)[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server | net.Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (answer: RequestListener): Promise<string> => listening(createServer(answer));
/** A server below HTTP: it does with a connection what the test wants. */
const serveSocket = (taken: (socket: Socket) => void): Promise<string> => listening(net.createServer(taken));

const request = (url: string, more: Partial<ExchangeRequest> = {}): ExchangeRequest => ({
  url,
  headers: {},
  limits: LIMITS,
  ...more,
});

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('it did not fail');
}

describe('an answer', () => {
  it('is given as it was before its encoding, whether or not one was asked for', async () => {
    const text = 'one and the same text, '.repeat(1000);
    const encodings = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync };
    for (const [encoding, encode] of Object.entries(encodings)) {
      const url = await serve((_request, response) => {
        response.writeHead(200, { 'Content-Encoding': encoding }).end(encode(text));
      });
      expect(Buffer.from((await wholeAnswer(request(url))).bytes).toString(), encoding).toBe(text);
    }
  });

  it('whose encoding is unknown, or is not what it says, is refused', async () => {
    for (const [encoding, body] of [
      ['zzz', 'text'],
      ['gzip', 'no gzip'],
    ] as const) {
      const url = await serve((_request, response) => {
        response.writeHead(200, { 'Content-Encoding': encoding }).end(body);
      });
      const error = await failure(wholeAnswer(request(url)));
      expect(error).toBeInstanceOf(AnswerError);
      expect(error.message).toContain(encoding);
    }
  });

  it.each([
    ['as it is', (body: Buffer) => body, undefined],
    ['inflated from a thousandth of its size', gzipSync, 'gzip'],
  ] as const)(
    'that is larger than its limit, %s, is cut off, and the limit named',
    async (_what, encode, encoding) => {
      const body = encode(Buffer.alloc(50_000_000));
      const url = await serve((_request, response) => {
        response.writeHead(200, encoding && { 'Content-Encoding': encoding }).end(body);
      });
      const answer = await exchange(request(url));
      let taken = 0;
      const error = await failure(
        (async () => {
          for await (const chunk of answer) taken += chunk.length;
        })(),
      );
      answer.close(error);
      expect(error).toBeInstanceOf(AnswerError);
      expect(error.message).toContain(`more than ${LIMITS.answerBytes} bytes`);
      expect(taken).toBeLessThanOrEqual(LIMITS.answerBytes);
    },
  );

  it('of JSON that is larger than its limit is refused, and the limit named', async () => {
    const url = await serve((_request, response) => void response.end(JSON.stringify('x'.repeat(1_000_000))));
    const error = await failure(jsonAnswer(request(url)));
    expect(error).toBeInstanceOf(AnswerError);
    expect(error.message).toContain('1000000 bytes');
  });

  it('that breaks off is a broken connection, also inside of an encoding', async () => {
    for (const encoding of ['identity', 'gzip']) {
      const url = await serve((_request, response) => {
        response.writeHead(200, { 'Content-Encoding': encoding });
        response.write(gzipSync(Buffer.alloc(100_000, 'abc')).subarray(0, 50), () => response.destroy());
      });
      expect(await failure(wholeAnswer(request(url)))).toBeInstanceOf(ConnectionError);
    }
  });
});

describe('limits of time', () => {
  it('end an answer that trickles, but not one that begins late or is slow', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const failureOf = async (pieces: readonly (readonly [ms: number, bytes: number])[]) => {
      let expired: Error | undefined;
      const waiting = new Waiting({ idleMs: 1000, totalMs: 60_000 }, (error) => (expired = error));
      for (const [ms, bytes] of pieces) {
        const piece = Promise.withResolvers<void>();
        const watched = waiting.watch(piece.promise);
        vi.advanceTimersByTime(ms);
        piece.resolve();
        await watched;
        waiting.came(bytes);
      }
      waiting.stop();
      return expired?.message;
    };
    expect(
      await failureOf([
        [900, 1],
        [900, 1],
        [900, 1],
      ]),
    ).toBe('too slow: 3 bytes in 1.8 s');
    expect(
      await failureOf([
        [900, 8192],
        [900, 8192],
        [900, 8192],
      ]),
    ).toBeUndefined();
    expect(
      await failureOf([
        [990, 1],
        [200, 1],
      ]),
    ).toBeUndefined();
  });

  it('see a body in memory go out piece by piece', async () => {
    const url = await serve((incoming, response) => void incoming.resume().on('end', () => response.end()));
    const open = DIRECT.open(url, { method: 'POST', headers: { 'Content-Length': '1000000' } });
    const progress = vi.fn<() => void>();
    await sendBody(open, bodyOf(Buffer.alloc(1_000_000)), progress);
    expect((await open.head).statusCode).toBe(200);
    expect(progress).toHaveBeenCalledTimes(16); // of 64 KiB
  });
});

describe('a refusal', () => {
  it('keeps what the server says, on one line and short', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(500, { 'Content-Type': 'application/json' });
      response.end(`{"Message":\n\t"Database is locked", "Details": "${'x'.repeat(5000)}"}`);
    });
    const { message } = await failure(exchange(request(url)));
    expect(message).toMatch(/^answered 500: \{"Message": "Database is locked", "Details": "x+…$/);
    expect(message.length).toBeLessThan(230);
  });

  it('shows what a person would see of a page, and nothing of bytes that are no text', async () => {
    const bodies = [
      '<html><style>p{}</style><title>Sign in</title><p>Please  sign in',
      '\0\x01\x02',
      '',
      '   ',
    ];
    const messages = await Promise.all(
      bodies.map(async (body) => {
        const url = await serve((_request, response) => void response.writeHead(403).end(body));
        return (await failure(exchange(request(url)))).message;
      }),
    );
    expect(messages).toEqual(['answered 403: Sign in Please sign in', ...Array(3).fill('answered 403')]);
  });

  it.each([
    ['Basic', `Basic ${Buffer.from('node:geheim').toString('base64')}`],
    ['Bearer', 'Bearer abc.geheim.def'],
  ])('never shows credentials that the server repeats: %s', async (_scheme, Authorization) => {
    const url = await serve((incoming, response) => {
      const { authorization = '' } = incoming.headers;
      const [, token = ''] = authorization.split(' ');
      const pair = authorization.startsWith('Basic') ? Buffer.from(token, 'base64').toString() : '';
      response.writeHead(401).end(`no: ${authorization} = ${token} = ${pair} = geheim, Bearer other-token`);
    });
    const { message } = await failure(exchange(request(url, { headers: { Authorization } })));
    expect(message).toMatch(/^answered 401: no: /);
    for (const secret of ['abc.geheim', 'node:geheim', Authorization.split(' ')[1], 'other-token']) {
      expect(message).not.toContain(secret);
    }
  });

  it('comes soon, where its body does not', async () => {
    const url = await serve((_request, response) => void response.writeHead(404).write('not '));
    expect((await failure(exchange(request(url)))).message).toBe('answered 404: not');
  });

  it('by a redirect says where it points to, without what may be secret, and nobody goes there', async () => {
    const seen = vi.fn<RequestListener>();
    const elsewhere = await serve(seen);
    const url = await serve((_request, response) => {
      const location = `${elsewhere.replace('://', '://user:geheim@')}/login?ticket=geheim`;
      response.writeHead(302, { Location: location }).end();
    });
    // Even where every status is welcome.
    const error = await failure(exchange(request(url, { accepts: () => true })));
    expect(error).toBeInstanceOf(StatusError);
    expect(error.message).toBe(`answered 302 (a redirect to ${elsewhere}/login, which is not followed)`);
    expect(seen).not.toHaveBeenCalled();
  });
});

describe('a server that answers before it has read everything', () => {
  const refusal = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large';
  const large = Buffer.alloc(20_000_000);

  it.each<[string, (socket: Socket) => void]>([
    ['and closes', (socket) => socket.pause().end(refusal)],
    ['and leaves the rest where it is', (socket) => void socket.pause().write(refusal)],
    ['and reads on', (socket) => void socket.resume().write(refusal)],
  ])('%s, is heard', async (_what, answer) => {
    const url = await serveSocket((socket) => void socket.once('data', () => answer(socket)));
    const { message } = await failure(exchange(request(url, { method: 'POST', body: bodyOf(large) })));
    expect(message).toBe('answered 413: too large');
  });
});

describe('what ends an exchange', () => {
  it('tells the time spent on waiting, once, and what went wrong', async () => {
    const ends: ExchangeEnd[] = [];
    const ended = (end: ExchangeEnd) => ends.push(end);
    const url = await serve((incoming, response) => {
      setTimeout(() => response.writeHead(incoming.url === '/bad' ? 500 : 200).end('[]'), 50);
    });
    expect((await jsonAnswer(request(url, { ended }))).items).toEqual([]);
    await failure(jsonAnswer(request(`${url}/bad`, { ended })));
    expect(ends.map((end) => end.failure)).toEqual([undefined, expect.any(StatusError)]);
    for (const { waitedMs } of ends) expect(waitedMs).toBeGreaterThan(40);
  });

  it('is the signal: its reason comes out, at once and while the answer is read, and no time is told', async () => {
    const ended = vi.fn<(end: ExchangeEnd) => void>();
    const url = await serve((_request, response) => void response.writeHead(200).write('some'));
    const stopping = new AbortController();
    const answer = await exchange(request(url, { signal: stopping.signal, ended }));
    const error = await failure(
      (async () => {
        for await (const _chunk of answer) stopping.abort(new Error('the node stops'));
      })(),
    );
    answer.close(error);
    expect(error.message).toBe('the node stops');
    await expect(exchange(request(url, { signal: stopping.signal, ended }))).rejects.toThrow(
      'the node stops',
    );
    expect(ended).not.toHaveBeenCalled();
  });

  it('is a body that cannot be read: its own error comes out, and the server gets no whole request', async () => {
    const whole = vi.fn<() => void>();
    const url = await serve((incoming, response) => {
      incoming.resume().on('end', whole);
      incoming.on('close', () => response.destroy());
    });
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1000);
      throw new Error('the file is gone');
    }
    const body = { length: 2000, chunks: chunks() };
    await expect(exchange(request(url, { method: 'POST', body }))).rejects.toThrow('the file is gone');
    expect(whole).not.toHaveBeenCalled();
  });

  it('is its close: a caller that has seen the head needs no body', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      response.on('close', closed.resolve);
      response.write('a body that does not end');
    });
    const answer = await exchange(request(url));
    answer.close();
    await expect(closed.promise).resolves.toBeUndefined();
  });
});
