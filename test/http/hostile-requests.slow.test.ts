import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCommands } from '../../src/commands/all.ts';
import { commandRoutes } from '../../src/commands/running/command-routes.ts';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { type RawRequest, sendRaw } from '../support/raw-request.ts';
import { smallInstance } from '../support/small-instance.ts';
import { testLog } from '../support/test-log.ts';

const RUNS = 1_000;
const STUDY = '1.2.276.0.99.1';

const uids = fc.oneof(
  fc.constantFrom(
    '../../../../etc/passwd',
    '..%2f..%2f..%2fetc%2fpasswd',
    '..\\..\\windows\\win.ini',
    '%2e%2e/%2e%2e/database',
    '1.2.3/../../../../tmp/x',
    '1.2.3%00.dcm',
    '1.2.3;rm -rf',
    "1.2.3' OR '1'='1",
    '1.2.3%0d%0aSet-Cookie:%20a=b',
    '<script>alert(1)</script>',
    '%',
    '%ff%fe',
    '.'.repeat(64),
    '1'.repeat(65),
    '__proto__',
    'constructor',
    `${'1.'.repeat(400)}1`,
  ),
  // Nothing that is a UID: those are for honest requests.
  fc.string({ maxLength: 80, unit: 'binary' }).filter((text) => !/^[0-9.]+$/.test(text.trim())),
);
const segments = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('studies', 'series', 'instances', 'metadata', 'frames', 'rendered'),
  },
  { weight: 3, arbitrary: uids },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'process',
      'volumes.csv',
      'commands',
      'notify',
      'failed',
      'patients',
      'results',
    ),
  },
);
const roots = fc.constantFrom(
  '/dicom-web',
  '/api',
  '/api/notify',
  '/api/studies',
  '/api/commands',
  // Those that an empty object is not enough for.
  '/api/commands/process',
  '/api/commands/opt-out-add',
  '/api/commands/queue-requeue',
  '/studies',
  '/patients',
  '',
  '/metrics',
  '/DICOM-WEB',
  '//api',
  '/./api',
  '/api/..',
  '//',
  '//[',
  '//%',
  'http://[',
  '*',
  'http://evil.example/api',
);
const queries = fc.oneof(
  fc.constant(''),
  fc.string({ maxLength: 100 }).map((text) => `?${encodeURIComponent(text)}`),
  fc.constantFrom(
    '?limit=-1',
    '?limit=1e99',
    '?offset=NaN',
    '?StudyDate=99999999-',
    '?a[b][c]=1',
    '?__proto__[x]=1',
    `?q=${'a'.repeat(9_000)}`,
  ),
);
const targets = fc
  .tuple(roots, fc.array(segments, { maxLength: 5 }), queries)
  // What would end the request line is tried by a case of its own below.
  .map(([root, parts, query]) => `${[root, ...parts].join('/')}${query}`.replaceAll(/[\s\p{Cc}]/gu, '+'));

const headerLists = fc.array(
  fc.oneof(
    fc.constantFrom<[string, string]>(
      ['Content-Type', 'application/json'],
      ['Content-Type', 'multipart/related; type="application/dicom"; boundary=x'],
      ['Content-Type', 'multipart/related; type="application/dicom"'],
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Content-Encoding', 'gzip'],
      ['Content-Encoding', 'nonsense'],
      ['Accept', 'text/html'],
      ['Accept', 'multipart/related; type="application/dicom"; transfer-syntax=*'],
      ['Origin', 'https://evil.example'],
      ['Sec-Fetch-Site', 'cross-site'],
      ['X-Forwarded-For', '127.0.0.1, ::1'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X-HTTP-Method-Override', 'DELETE'],
      ['Range', 'bytes=0-18446744073709551615'],
      ['If-None-Match', '*'],
      ['Expect', '100-continue'],
      ['Transfer-Encoding', 'chunked'],
      ['Transfer-Encoding', 'gzip, chunked'],
      ['Content-Length', '999999999999'],
      ['Cookie', 'pansegnet-session=guess; pansegnet-session='],
      ['Upgrade', 'h2c'],
    ),
    fc.tuple(fc.constantFrom('X-Long', 'Cookie', 'Accept', 'Content-Type'), fc.string({ maxLength: 3_000 })),
  ),
  { maxLength: 4 },
);

const bodies = fc.oneof(
  fc.constant(new Uint8Array()),
  fc.uint8Array({ maxLength: 2_000 }),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      '{',
      '[[[[',
      '{"studyInstanceUid":"../../x"}',
      `{"a":"${'x'.repeat(300_000)}"}`,
      '--x\r\n\r\nDICM\r\n--x--',
    )
    .map((text) => Buffer.from(text)),
);

const credentials = fc.constantFrom('none', 'wrong', 'viewer', 'sender', 'operator');
// Most are well-formed so far that they pass the parser of requests and meet what is behind it.
const methods = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS') },
  { weight: 1, arbitrary: fc.constantFrom('TRACE', 'PROPFIND', 'CONNECT', 'get', 'G\u0000T') },
);

const requests = fc.record({
  method: methods,
  target: targets,
  headers: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 2, arbitrary: headerLists }),
  body: bodies,
  credentials,
});

/** What is shown to everybody. */
const PUBLIC = /^\/+(login|logout|healthz|readyz|assets)/i;

const SEARCH_FORM = /^\/*(\?|$)/;

/** What is wrong with the answer; undefined: nothing. */
function fault(
  { credentials: shown, method, target }: RawRequest & { credentials: string },
  status: number | 'closed',
): string | undefined {
  if (status === 'closed') return undefined; // cut off in the middle of its own body
  if (status >= 500) return `${status}: the node's own fault`;
  const known = !['none', 'wrong'].includes(shown);
  const changes = !['GET', 'HEAD', 'OPTIONS'].includes(method);
  // A harmless reading by somebody who may read can well succeed.
  if ((known && !changes) || PUBLIC.test(target)) return undefined;
  // A browser that shows no credentials is sent to the page that asks for them.
  if (status === 303 && shown === 'none' && !changes) return undefined;
  // The form that searches the list of studies changes nothing.
  if (status === 303 && /^(viewer|operator)$/.test(shown) && SEARCH_FORM.test(target)) return undefined;
  if (status < 400) return `${status}: not refused`;
  return known && status === 401 ? 'a good token was refused' : undefined;
}

describe('hostile requests', () => {
  let folder: string;
  let node: PansegnetNode;
  const tokens: Record<string, string> = { wrong: 'pansegnet_wrong' };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
    const tokensFile = path.join(folder, 'tokens.json');
    for (const role of ['viewer', 'sender', 'operator'] as const) {
      tokens[role] = await addToken(tokensFile, { name: role, role, expires: null, now: new Date() });
    }
    node = await startNode(
      loadConfig({
        environment: {},
        overrides: {
          archive: { kind: 'embedded', folder: path.join(folder, 'archive') },
          database: { folder: path.join(folder, 'database') },
          intake: { spoolFolder: path.join(folder, 'spool') },
          audit: { folder: path.join(folder, 'audit') },
          watch: { schedule: '0 0 0 29 2 *' },
          auth: { tokensFile },
          http: { port: 0, limits: { failedLoginsPerMinute: 1e6, requestsPerMinute: 1e6 } },
          log: testLog('hostile'),
        },
      }),
      { commandRoutes: (parts) => commandRoutes(loadCommands, parts) },
    );
    await node.archive.storeVerified(STUDY, [
      smallInstance({ study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.1` }),
    ]);
  });
  afterAll(async () => {
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const files = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true })).filter((name) => !/^(database|audit)/.test(name)).sort();
  /** The watch may find the honest study meanwhile. */
  const rows = (): Promise<unknown[]> =>
    node.database.query('SELECT * FROM pansegnet.study WHERE study_instance_uid <> $1', [STUDY]);

  const send = ({
    credentials: shown,
    ...sent
  }: RawRequest & { credentials: string }): Promise<number | 'closed'> => {
    const host = new URL(node.url).host;
    const authorization: [string, string][] =
      shown === 'none' ? [] : [['Authorization', `Bearer ${tokens[shown]}`]];
    const length: [string, string][] = sent.headers.some(([name]) =>
      /^(content-length|transfer-encoding)$/i.test(name),
    )
      ? []
      : [['Content-Length', String(sent.body.length)]];
    const clean = sent.headers.map(([name, value]) => [name, value.replaceAll(/[\r\n]/g, ' ')] as const);
    return sendRaw(node.url, { ...sent, headers: [['Host', host], ...authorization, ...length, ...clean] });
  };

  it(`are refused, ${RUNS} of them: never a 5xx, nothing stored, and the node lives on`, async () => {
    const before = { files: await files(), rows: await rows() };
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(requests, async (hostile) => {
        const status = await send(hostile);
        const kind = `${hostile.credentials} ${status}`;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        expect(fault(hostile, status)).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
    // The property must have met the guards, not only the parser of requests.
    for (const kind of [
      'none 401',
      'wrong 401',
      'viewer 403',
      'sender 403',
      'operator 404',
      'operator 400',
    ]) {
      expect([kind, seen.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((count: number) => count > 0)]);
    }
    expect({ files: await files(), rows: await rows() }).toEqual(before);
    expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
    expect(await node.archive.searchSeries(STUDY)).toHaveLength(1);
  });

  it.each([
    [
      'a second request in the body',
      'POST /api/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    ],
    ['an unknown version', 'GET / HTTP/9.9\r\n\r\n'],
    ['a header without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(70_000)}`],
    ['no HTTP at all', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001'],
    ['a line break in the path', 'GET /api\r\nX-A: b HTTP/1.1\r\nHost: x\r\n\r\n'],
    [
      'two Content-Lengths',
      'POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    ],
  ])('that are no request are refused: %s', async (_name, text) => {
    const [method = '', target = '', ...rest] = text.split(' ');
    const status = await sendRaw(node.url, {
      method,
      target,
      headers: [],
      body: Buffer.from(rest.join(' ')),
    });
    expect(['closed', 400, 401, 413, 414, 431, 505]).toContain(status);
  });
});
