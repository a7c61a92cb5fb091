import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DicomError, type DicomErrorCode } from '../../src/dicom/dicom-error.ts';
import { text } from '../../src/dicom/reading/dataset.ts';
import type { ArchiveAnswer } from '../../src/dicom/web/archive-access.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { collect } from '../support/collect.ts';

/**
 * How long a client waits for an archive that is meant to say nothing; others wait as long as they do by
 * default.
 */
const PATIENCE_MS = 150;
const JSON_TYPE = { 'Content-Type': 'application/dicom+json' };
const STUDY = '1.2.3';
const SERIES = '1.2.3.4';

type Answer = (...exchange: Parameters<RequestListener>) => void | Promise<void>;

const servers: Server[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await Promise.all(
    servers.splice(0).map(async (server) => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }),
  );
});

/** An archive that answers as the test wants, right or wrong. */
async function archive(answer: Answer): Promise<string> {
  const server = createServer((request, response) => void answer(request, response));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`;
}

async function clientOf(answer: Answer, timeoutMs?: number): Promise<DicomWebClient> {
  return new DicomWebClient({ url: await archive(answer), ...(timeoutMs !== undefined && { timeoutMs }) });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray());
}

const queryOf = (request: IncomingMessage) => new URL(request.url ?? '', 'http://localhost').searchParams;

const study = (uid: string) => ({ '0020000D': { vr: 'UI', Value: [uid] } });

async function refusal(promise: Promise<unknown>): Promise<DicomError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DicomError);
  return error as DicomError;
}

const allStudies = { lookBack: 'all', now: new Date(), pageSize: 100 } as const;
const search = (client: DicomWebClient) => collect(client.searchStudies(allStudies));
const retrieve = (client: DicomWebClient, signal?: AbortSignal) =>
  collect(client.retrieveSeries(STUDY, SERIES, signal));
const store = (client: DicomWebClient) => client.store(undefined, [Buffer.from('one')]);

/** Each way in which the client speaks to an archive: through its library, streamed, and with a body. */
const EXCHANGES = { search, retrieve, store } as const;

describe.each(['search', 'retrieve', 'store'] as const)('an archive that fails: %s', (name) => {
  const exchange: (client: DicomWebClient) => Promise<unknown> = EXCHANGES[name];

  it('that is down is unreachable, and the message names it', async () => {
    const url = await archive(() => undefined);
    servers[0]?.close();
    const error = await refusal(exchange(new DicomWebClient({ url })));
    expect(error.code).toBe('DICOM_WEB_UNREACHABLE');
    expect(error.message).toContain(url);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('that says nothing is unreachable after the time limit', async () => {
    const error = await refusal(exchange(await clientOf(() => undefined, PATIENCE_MS)));
    expect(error.code).toBe('DICOM_WEB_UNREACHABLE');
    expect(error.message).toContain('0.15 s');
  });

  it('that stops in the middle of an answer is unreachable after the time limit', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'multipart/related; boundary=b', 'Content-Length': 1000 });
      response.write('[');
    }, PATIENCE_MS);
    expect((await refusal(exchange(client))).code).toBe('DICOM_WEB_UNREACHABLE');
  });

  it('that breaks the connection in the middle of an answer is unreachable', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'multipart/related; boundary=b', 'Content-Length': 1000 });
      response.write('[', () => response.destroy());
    });
    expect((await refusal(exchange(client))).code).toBe('DICOM_WEB_UNREACHABLE');
  });

  it.each([401, 404, 429, 500, 503])('that answers %i gives an error with that status', async (status) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(status, { 'Retry-After': '70' }).end('<html>no</html>');
    });
    const error = await refusal(exchange(client));
    expect(error).toBeInstanceOf(DicomWebStatusError);
    expect(error).toMatchObject({ code: 'DICOM_WEB_STATUS', status, retryAfterMs: 70_000 });
    expect(error.message).toMatch(new RegExp(`status ${status}.*: no$`)); // the archive's word, not its markup
  });

  it.each([429, 503])(
    'that answers %i and asks for a short pause is asked again, not without end',
    async (status) => {
      let requests = 0;
      const client = await clientOf((_request, response) => {
        requests += 1;
        response.writeHead(status, { 'Retry-After': '0' }).end();
      });
      expect(await refusal(exchange(client))).toMatchObject({ code: 'DICOM_WEB_STATUS', status });
      expect(requests).toBe(6);
    },
  );

  it('that redirects is refused, and the other host never sees the credentials', async () => {
    const seen = vi.fn<RequestListener>();
    const elsewhere = await archive(seen);
    const url = await archive((_request, response) => {
      response.writeHead(307, { Location: elsewhere }).end();
    });
    const headers = { Authorization: 'Bearer secret' };
    const error = await refusal(exchange(new DicomWebClient({ url, headers })));
    expect(error).toMatchObject({ code: 'DICOM_WEB_STATUS', status: 307 });
    expect(error.message).toContain(`a redirect to ${elsewhere}, which is not followed`);
    expect(seen).not.toHaveBeenCalled();
  });

  it('that redirects to nowhere is refused and breaks nothing', async () => {
    const client = await clientOf((_request, response) => void response.writeHead(302).end());
    expect(await refusal(exchange(client))).toMatchObject({ code: 'DICOM_WEB_STATUS', status: 302 });
  });

  it('that answers 200 with a page of HTML has not answered, and what the page says is told', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>Log in</html>');
    });
    // Of storing it is no error: whether something was stored all the same, a look tells.
    const told: unknown = await exchange(client).catch((error: unknown) => error);
    expect(told instanceof DicomError).toBe(name !== 'store');
    expect(inspect(told)).toMatch(/: '?Log in/);
  });

  it('ends with the reason of the signal that aborted it', async () => {
    const controller = new AbortController();
    const client = await clientOf(() => controller.abort(new Error('the node stops')));
    const { signal } = controller;
    const promise = {
      search: () => collect(client.searchStudies({ ...allStudies, signal })),
      retrieve: () => retrieve(client, signal),
      store: () => client.store(undefined, [Buffer.from('one')], signal),
    }[name]();
    await expect(promise).rejects.toThrow('the node stops');
  });
});

describe('credentials', () => {
  it('in the address become a header, and stand in no message and on no console', async () => {
    const printed = (['log', 'warn', 'error', 'info', 'debug'] as const).map((method) =>
      vi.spyOn(console, method),
    );
    const seen: (string | undefined)[] = [];
    const url = await archive((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(500).end('no');
    });
    const client = new DicomWebClient({ url: url.replace('http://', 'http://node:geheim@') });
    for (const exchange of Object.values(EXCHANGES)) {
      const error = await refusal(exchange(client));
      const told = inspect(error, { depth: 10, showHidden: true });
      expect(told).not.toContain('geheim');
      expect(told).not.toContain(Buffer.from('node:geheim').toString('base64'));
    }
    expect(client.url).toBe(url);
    expect(seen).toEqual(Array(seen.length).fill(`Basic ${Buffer.from('node:geheim').toString('base64')}`));
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });

  it('stay out of the message where the address is none', () => {
    expect(() => new DicomWebClient({ url: 'ftp://node:geheim@host/' })).toThrow(/http:\/\//);
    expect(() => new DicomWebClient({ url: 'ftp://node:geheim@host/' })).not.toThrow(/geheim/);
  });
});

/** An archive of the given studies that gives at most `cap` of them per answer. */
const paged =
  (uids: readonly string[], cap: number): RequestListener =>
  (request, response) => {
    const query = queryOf(request);
    const offset = Number(query.get('offset'));
    const limit = Math.min(cap, Number(query.get('limit')));
    const page = uids.slice(offset, offset + limit).map(study);
    if (page.length === 0) response.writeHead(204).end();
    else response.writeHead(200, JSON_TYPE).end(JSON.stringify(page));
  };

describe('searching', () => {
  const uids = Array.from({ length: 23 }, (_, i) => `1.2.${i}`);

  it.each([100, 10, 4])('finds each study once where the archive gives at most %i at a time', async (cap) => {
    const client = await clientOf(paged(uids, cap));
    const found = await collect(client.searchStudies({ ...allStudies, pageSize: 10 }));
    expect(found.map((dataset) => text(dataset, 'StudyInstanceUID'))).toEqual(uids);
  });

  it('ends where the archive knows no paging', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(uids.map(study)));
    });
    expect(await search(client)).toHaveLength(uids.length);
  });

  it('looks back over days of StudyDate, or over everything', async () => {
    const dates: (string | null)[] = [];
    const client = await clientOf((request, response) => {
      dates.push(queryOf(request).get('StudyDate'));
      response.writeHead(204).end();
    });
    const now = new Date(2026, 2, 2, 0, 30);
    await collect(client.searchStudies({ lookBack: 3, now, pageSize: 10 }));
    await collect(client.searchStudies({ lookBack: 'all', now, pageSize: 10 }));
    expect(dates).toEqual(['20260227-', null]);
  });

  it.each([
    ['an object', 'application/dicom+json', '{"a":1}'],
    ['a list of something else', 'application/dicom+json', '[1]'],
    ['JSON that is cut off', 'application/dicom+json', '[{"0020000D":{"vr"'],
    ['JSON under the name of multipart', 'multipart/related; boundary=b', '[{"0020000D":'],
  ])('refuses %s as an answer', async (_what, type, body) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { 'Content-Type': type }).end(body);
    });
    expect((await refusal(search(client))).code).toBe('DICOM_WEB_ANSWER');
  });

  it('refuses an answer that is larger than what is held in memory, and names the limit', async () => {
    const url = await archive((_request, response) => {
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(uids.map(study)));
    });
    const error = await refusal(search(new DicomWebClient({ url, maxJsonBytes: 1000 })));
    expect(error.code).toBe('DICOM_WEB_ANSWER');
    expect(error.message).toContain('more than 1000 bytes');
  });

  it('ends an answer that trickles for ever', async () => {
    const url = await archive((_request, response) => {
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(timer));
    });
    const error = await refusal(search(new DicomWebClient({ url, totalTimeoutMs: 200 })));
    expect(error.code).toBe('DICOM_WEB_UNREACHABLE');
    expect(error.message).toContain('not done within 0.2 s');
  });

  it('asks for no path that a value of the archive could have made', async () => {
    const seen = vi.fn<RequestListener>();
    const client = await clientOf(seen);
    for (const uid of ['', '../../admin', '1.2/series', '1.2?x=1', '1'.repeat(65)]) {
      expect((await refusal(client.searchSeries(uid))).code).toBe('DICOM_ATTRIBUTE');
      expect((await refusal(client.seriesMetadata(STUDY, uid))).code).toBe('DICOM_ATTRIBUTE');
      expect((await refusal(client.store(uid, []))).code).toBe('DICOM_ATTRIBUTE');
      expect(() => client.retrieveSeries(STUDY, uid)).toThrow(DicomError);
    }
    expect(seen).not.toHaveBeenCalled();
  });
});

/** The same answer to every request. */
const answerWith =
  (type: string, body: string, status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'Content-Type': type }).end(body);

const part = (content: string, type = 'application/dicom') =>
  `--b\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`;

describe('retrieving', () => {
  it('gives the parts as they are, and asks for the stored transfer syntax', async () => {
    const accepted: (string | undefined)[] = [];
    const client = await clientOf((request, response) => {
      accepted.push(request.headers.accept);
      const type = 'multipart/related; type="application/dicom"; boundary=b';
      response.writeHead(200, { 'Content-Type': type }).end(`${part('one')}${part('two')}--b--`);
    });
    expect((await retrieve(client)).map((bytes) => Buffer.from(bytes).toString())).toEqual(['one', 'two']);
    expect(accepted).toEqual(['multipart/related; type="application/dicom"; transfer-syntax=*']);
  });

  it.each<[string, RequestListener, DicomErrorCode]>([
    ['that is cut off', answerWith('multipart/related; boundary=b', part('one')), 'DICOM_WEB_ANSWER'],
    [
      'with a wrong boundary',
      answerWith('multipart/related; boundary=c', `${part('one')}--b--`),
      'DICOM_WEB_ANSWER',
    ],
    ['without a boundary', answerWith('multipart/related', `${part('one')}--b--`), 'DICOM_WEB_ANSWER'],
    [
      'with a part that is no DICOM',
      answerWith('multipart/related; boundary=b', `${part('{}', 'application/json')}--b--`),
      'DICOM_WEB_ANSWER',
    ],
    [
      'that is a part of what was asked for',
      answerWith('multipart/related; boundary=b', `${part('one')}--b--`, 206),
      'DICOM_WEB_STATUS',
    ],
  ])('refuses an answer %s', async (_what, answer, code) => {
    expect((await refusal(retrieve(await clientOf(answer)))).code).toBe(code);
  });

  it('does not count the time that the caller takes for an instance', async () => {
    const large = 'x'.repeat(1_000_000); // more than the buffers between archive and caller hold
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'multipart/related; boundary=b' });
      response.end(`${part(large).repeat(5)}--b--`);
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let count = 0;
    for await (const bytes of client.retrieveSeries(STUDY, SERIES)) {
      expect(bytes).toHaveLength(large.length);
      vi.advanceTimersByTime(3_600_000); // the caller works on it for an hour
      count++;
    }
    expect(count).toBe(5);
  });

  it('closes the connection when the caller stops early', async () => {
    const closed = Promise.withResolvers<void>();
    const client = await clientOf((_request, response) => {
      response.on('close', closed.resolve);
      response.writeHead(200, { 'Content-Type': 'multipart/related; boundary=b' });
      response.write(`${part('one')}--b\r\n`);
    });
    for await (const bytes of client.retrieveSeries(STUDY, SERIES)) {
      expect(bytes).toHaveLength(3);
      break;
    }
    await closed.promise;
  });
});

/** An item of FailedSOPSequence. */
const failure = (uid: string, reason: number) => ({
  '00081155': { vr: 'UI', Value: [uid] },
  '00081197': { vr: 'US', Value: [reason] },
});

describe('storing', () => {
  it('sends the length of the body and quotes the type', async () => {
    let request: IncomingMessage | undefined;
    let body: Buffer | undefined;
    const client = await clientOf(async (incoming, response) => {
      request = incoming;
      body = await bodyOf(incoming);
      response.writeHead(200, JSON_TYPE).end(JSON.stringify({ '00081199': { vr: 'SQ' } }));
    });
    await client.store('1.2.3', [Buffer.from('one'), Buffer.from('two')]);
    expect(request).toMatchObject({ method: 'POST', url: '/dicom-web/studies/1.2.3' });
    expect(request?.headers['content-length']).toBe(String(body?.length));
    expect(request?.headers['content-type']).toMatch(
      /^multipart\/related; type="application\/dicom"; boundary=/,
    );
    expect(request?.headers.accept).toBe('application/dicom+json');
    expect(body?.toString()).toMatch(/^\s*--.*\r\nContent-Type: application\/dicom\r\n\r\none\r\n--/);
  });

  it.each([200, 202, 400, 409])(
    'reads what was stored and what was not from an answer of %i',
    async (status) => {
      const client = await clientOf((request, response) => {
        request.resume();
        const answer = {
          '00081198': { vr: 'SQ', Value: [failure('1.2', 0xa700)] },
          '00081199': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.1'] } }] },
          '0008119A': { vr: 'SQ', Value: [{ '00081197': { vr: 'US', Value: [0xc000] } }] },
        };
        response.writeHead(status).end(JSON.stringify(answer)); // as Orthanc: without a type
      });
      expect(await store(client)).toEqual({
        status,
        stored: ['1.1'],
        failed: [
          { sopInstanceUid: '1.2', reason: 0xa700 },
          { sopInstanceUid: undefined, reason: 0xc000 },
        ],
      });
    },
  );

  it.each([
    [400, 'DICOM_WEB_STATUS', '{"message":"no"}'],
    [409, 'DICOM_WEB_STATUS', '{"message":"no"}'],
  ] as const)('an answer of %i that says nothing of instances is %s', async (status, code, words) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(status, JSON_TYPE).end('{"message":"no"}');
    });
    const error = await refusal(store(client));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  it.each([
    [200, '', undefined],
    [204, '', undefined],
    [201, '{"message":"no"}', undefined],
    [200, '<?xml version="1.0"?><NativeDicomModel>1.2.3</NativeDicomModel>', undefined],
    [200, '<html><b>Well</b> done</html>', 'Well done'],
    [202, 'OK', 'OK'],
  ])('an answer of %i without a word on instances says nothing of them: %j', async (status, body, said) => {
    const client = await clientOf((_request, response) => void response.writeHead(status).end(body));
    expect(await store(client)).toEqual({ status, stored: [], failed: [], said });
  });
});

describe('the times of an archive', () => {
  async function told(answer: Answer, ask: (client: DicomWebClient) => Promise<unknown>) {
    const answers: ArchiveAnswer[] = [];
    const url = await archive(answer);
    await ask(new DicomWebClient({ url, answered: (one) => answers.push(one) })).catch(() => undefined);
    for (const { seconds } of answers) expect(seconds).toBeGreaterThan(0);
    return answers.map(({ kind, ok }) => [kind, ok]);
  }
  const stored = answerWith('application/json', JSON.stringify({ '00081199': { vr: 'SQ' } }));
  const instances = answerWith('multipart/related; boundary=b', `${part('one')}--b--`);

  it('are told for each request, by kind', async () => {
    expect(await told(paged([], 1), search)).toEqual([['search', true]]);
    expect(
      await told(answerWith('application/json', '[{}]'), (client) => client.seriesMetadata(STUDY, SERIES)),
    ).toEqual([['metadata', true]]);
    expect(await told(instances, retrieve)).toEqual([['retrieve', true]]);
    expect(await told(stored, store)).toEqual([['store', true]]);
    expect(await told(stored, (client) => client.storeFiles([]))).toEqual([['store', true]]);
  });

  it('are of an error where the archive fails or its answer is none, and not where something is not there', async () => {
    expect(await told(answerWith('text/plain', 'no', 500), search)).toEqual([['search', false]]);
    expect(await told(answerWith('text/html', '<html>'), search)).toEqual([['search', false]]);
    // Then the archive is asked for the instances one by one.
    expect((await told(answerWith('text/html', '<html>'), retrieve))[0]).toEqual(['retrieve', false]);
    const isStored = (client: DicomWebClient) => client.isStored(STUDY, SERIES, '1.2');
    expect(await told(answerWith('text/plain', 'no', 404), isStored)).toEqual([['metadata', true]]);
  });

  it('are not told of what the node gave up', async () => {
    const stopping = new AbortController();
    const given = (client: DicomWebClient) => retrieve(client, stopping.signal);
    expect(await told(() => stopping.abort(), given)).toEqual([]);
  });
});
