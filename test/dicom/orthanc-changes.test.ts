import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { OrthancChanges } from '../../src/dicom/web/orthanc-changes.ts';
import { checkChanges } from '../../src/doctor/check-changes.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Where a server answers so. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

const answering = (status: number, body: string, headers = {}): Promise<string> =>
  serve((_request, response) => void response.writeHead(status, headers).end(body));

async function refusal(url: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const { signal, ...rest } = options;
  const answer = await new OrthancChanges({ url, ...rest }).newest(signal).catch((error: unknown) => error);
  return answer instanceof Error ? answer : new Error(`no error, but ${JSON.stringify(answer)}`);
}

describe('the list of changes of something that is no Orthanc', () => {
  it.each([
    ['a page', 200, '<html>sign in</html>'],
    ['other JSON', 200, '{"Changes":"none"}'],
    ['half an answer', 200, '{"Changes":['],
    ['changes without numbers', 200, '{"Changes":[{"ID":"x"}],"Done":true,"Last":1}'],
  ])('is refused where it is %s', async (_what, status, body) => {
    expect(await refusal(await answering(status, body))).toMatchObject({ code: 'DICOM_WEB_ANSWER' });
  });

  it.each([403, 404, 405])('says what to configure where it answers %i', async (status) => {
    expect(await refusal(await answering(status, ''))).toMatchObject({
      code: 'DICOM_WEB_STATUS',
      message: expect.stringMatching(new RegExp(`/changes answered with status ${status}.*archive\\.rest`)),
    });
  });

  it('is not followed to another address', async () => {
    const seen: unknown[] = [];
    const elsewhere = await serve((request, response) => void (seen.push(request.headers), response.end()));
    const url = await answering(302, '', { Location: elsewhere });
    expect(await refusal(url)).toMatchObject({ code: 'DICOM_WEB_STATUS', status: 302 });
    expect(seen).toEqual([]);
  });

  it('is unreachable where the connection breaks or nothing comes', async () => {
    const breaking = await serve((request) => void request.socket.destroy());
    expect(await refusal(breaking)).toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
    const half = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('{', () => response.destroy());
    });
    expect(await refusal(half)).toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
    const silent = await serve(() => {});
    expect(await refusal(silent, { timeoutMs: 50 })).toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
  });

  it('ends with the reason of an aborted signal', async () => {
    const stopping = new AbortController();
    const url = await serve(() => stopping.abort(new Error('the node stops')));
    expect((await refusal(url, { signal: stopping.signal })).message).toBe('the node stops');
  });
});

it('the list of changes is asked for with the credentials, which stand in no message', async () => {
  const seen: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(500).end();
  });
  const error = await refusal(url.replace('://', '://node:pa%20ss@'));
  expect(seen).toEqual([`Basic ${Buffer.from('node:pa ss').toString('base64')}`]);
  expect(error.message).not.toMatch(/node|pa/);
});

describe('Retry-After', () => {
  const pauseOf = (header: string) => new DicomWebStatusError('http://archive', 503, header).retryAfterMs;

  it('is a number of seconds or a date, and never more than an hour', () => {
    expect(pauseOf('0')).toBe(0);
    expect(pauseOf(' 120 ')).toBe(120_000);
    expect(pauseOf('99999999')).toBe(3_600_000);
    const inAMinute = pauseOf(new Date(Date.now() + 60_000).toUTCString()) ?? 0;
    expect(inAMinute).toBeGreaterThan(50_000);
    expect(inAMinute).toBeLessThanOrEqual(60_000);
    expect(pauseOf('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(0);
  });

  it.each(['', 'soon', '-1x', 'NaN'])('that is neither says nothing: %j', (header) => {
    expect(pauseOf(header)).toBeUndefined();
  });
});

it('doctor says whether the list of changes can be followed', async () => {
  const orthanc = await answering(200, '{"Changes":[],"Done":true,"Last":0}');
  expect(await checkChanges(new OrthancChanges({ url: orthanc }))).toMatchObject({ verdict: 'ok' });
  const other = await answering(404, '');
  expect(await checkChanges(new OrthancChanges({ url: other }))).toMatchObject({ verdict: 'problem' });
});
