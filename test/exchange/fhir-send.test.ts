import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FhirServer, sendBundle } from '../../src/exchange/fhir/send.ts';
import type { OutgoingResult } from '../../src/exchange/result/outgoing-result.ts';
import { withoutPatient } from '../../src/exchange/result/without-patient.ts';
import { DIRECT } from '../../src/http-client/connections.ts';
import { FULL_RESULT } from '../support/outgoing-results.ts';

const RESOURCES = [
  { resourceType: 'Device', id: 'a' },
  { resourceType: 'Observation', id: 'b' },
];
const NEVER = new AbortController().signal;
const answers = (...statuses: string[]) =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction-response',
    entry: statuses.map((status) => ({ response: { status } })),
  });

let server: Server;
let target: FhirServer;
let got: {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}[];
let answer: (response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/r4`,
    version: 'R4',
    headers: { Authorization: 'Bearer very-secret-token' },
    timeoutMs: 2_000,
    connections: DIRECT,
  };
});
afterAll(() => void server.close());
beforeEach(() => {
  got = [];
});

const send = (to: FhirServer = target) => sendBundle(to, RESOURCES, NEVER);
const reply = (status: number, body = '', headers: Record<string, string> = {}) => {
  answer = (response) => void response.writeHead(status, headers).end(body);
};

it('a bundle is posted to the base as FHIR of its version, with the credentials', async () => {
  reply(200, answers('201 Created', '200'));
  expect(await send()).toBe('answered 200');
  expect(got).toMatchObject([
    {
      method: 'POST',
      url: '/fhir/r4',
      headers: {
        'content-type': 'application/fhir+json; fhirVersion=4.0',
        authorization: 'Bearer very-secret-token',
      },
    },
  ]);
  expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({ resourceType: 'Bundle', type: 'transaction' });
});

it.each([
  [400, 'refused'],
  [404, 'refused'],
  [410, 'refused'],
  [412, 'refused'],
  [422, 'refused'],
  [409, 'unwilling'],
  [423, 'unwilling'],
  [500, 'unwilling'],
  [408, 'later'],
  [429, 'later'],
  [502, 'later'],
  [503, 'later'],
  [504, 'later'],
])('an answer %i is %s, with its words and without the secret', async (status, failure) => {
  reply(status, 'not with Bearer very-secret-token: reason 17', {
    'Retry-After': '90',
  });
  const error = await send().catch((one: unknown) => one);
  expect(error).toMatchObject({
    name: 'DeliveryError',
    failure,
    message: expect.stringContaining(String(status)),
  });
  expect(String(error)).not.toContain('very-secret-token');
  expect(String(error)).toContain('reason 17');
  expect(error).toMatchObject({ pauseMs: 90_000 });
  expect(got).toHaveLength(1);
});

it.each([
  [401, 'exchange.fhir'],
  [403, 'the right to'],
  [407, 'exchange.fhir.proxy'],
])('an answer %i says what to do, and is tried again, slowly', async (status, todo) => {
  reply(status, 'reason 17');
  const error = await send().catch((one: unknown) => one);
  expect(error).toMatchObject({ failure: 'later', pauseMs: 900_000, message: expect.stringContaining(todo) });
  expect(String(error)).toContain('reason 17');
});

it('a redirect is not followed', async () => {
  reply(302, '', { Location: '/elsewhere' });
  await expect(send()).rejects.toMatchObject({ failure: 'later', message: expect.stringContaining('302') });
  expect(got).toHaveLength(1);
});

it('a server that answers success without a body has taken it', async () => {
  reply(200);
  expect(await send()).toBe('answered 200');
});

it.each([
  ['an entry that failed', answers('201', '412 Precondition Failed'), 'refused'],
  [
    'an entry without a status',
    '{"resourceType":"Bundle","type":"transaction-response","entry":[{},{}]}',
    'refused',
  ],
  ['an entry that another one holds', answers('201', '423 Locked'), 'unwilling'],
  [
    'an outcome with a lock',
    '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"lock-error"}]}',
    'unwilling',
  ],
  [
    'an outcome with an error',
    '{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}',
    'refused',
  ],
  ['fewer entries than were sent', answers('201'), 'unwilling'],
  ['another kind of bundle', answers('201', '201').replace('transaction-response', 'searchset'), 'unwilling'],
  ['a page', '<html>login</html>', 'unwilling'],
])('success that says %s is none', async (_, body, failure) => {
  reply(200, body);
  await expect(send()).rejects.toMatchObject({ name: 'DeliveryError', failure });
});

it('a server that is not there, or says nothing, is tried later', async () => {
  answer = (response) => void response.destroy();
  await expect(send()).rejects.toMatchObject({ failure: 'later' });
  answer = () => undefined;
  await expect(send({ ...target, timeoutMs: 200 })).rejects.toMatchObject({ failure: 'later' });
  await expect(send({ ...target, url: 'http://127.0.0.1:1/fhir' })).rejects.toMatchObject({
    failure: 'later',
  });
});

it('of what a server says of a patient or an order nothing is kept', async () => {
  reply(422, 'no Patient p-17 (DOE, Jane, 19600229) for ACC-1 or FI-1');
  const error = await withoutPatient(FULL_RESULT, () => send()).catch((one: unknown) => one);
  expect(error).toMatchObject({ failure: 'refused', message: expect.stringContaining('422') });
  expect(String(error)).not.toMatch(/p-17|doe|jane|19600229|ACC-1|FI-1/i);
});

it('nor where the words are cut off in the middle of a name', async () => {
  reply(422, `${'x '.repeat(97)}Doe^Jane`);
  const error = await withoutPatient(FULL_RESULT, () => send()).catch((one: unknown) => one);
  expect(String(error)).toMatch(/x \*\*\*\^\*\*\*…$/);
});

describe('what a receiver says', () => {
  const said = (words: string, other: Partial<OutgoingResult['patient']> = {}) =>
    withoutPatient({ ...FULL_RESULT, patient: { ...FULL_RESULT.patient, ...other } }, async () => words);

  it('is kept without the patient where it took the message, too', async () => {
    expect(await said('AA filed for Jane Doe, MRN P-17, order FI-1 as 4711')).toBe(
      'AA filed for *** ***, MRN ***, order *** as 4711',
    );
  });

  it.each([
    ['Müller^José', 'MULLER JOSE', /m[uü]ller|jos/i],
    ['Muller^Jose', 'Müller José', /m[uü]ller|jos/i],
    ['Li^Wu', 'patient LI, WU', /\bli\b|\bwu\b/i],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', '山田太郎様 やまだ yamada', /山|太|やま|yama/i],
    ['Hong^Gildong=洪^吉洞=홍^길동', '홍길동 洪吉洞', /홍|길동|洪|吉/],
    ['O\u2019Neil^Ann', "O'Neil, Ann", /neil/i],
  ])('has no name of it, whatever its script, accents and case: %s', async (name, words, shown) => {
    expect(await said(words, { name })).not.toMatch(shown);
  });

  it.each(['1960-02-29', '29.02.1960', '2/29/1960', '29/2/1960', '19600229', '29021960'])(
    'has no date of birth, however it is written: %s',
    async (written) => {
      expect(await said(`born ${written}.`)).toBe('born ***.');
    },
  );

  it('has no id, with other marks in it or none, and what is short only where it is a word', async () => {
    expect(await said('P17, P 17, p_17')).toBe('***, ***, ***');
    expect(await said('12 of 1200', { id: { value: '12', issuer: undefined } })).toBe('*** of 1200');
  });

  it('keeps what is of nobody', async () => {
    const words = 'AE 207^Application internal error^HL70357 Kö ロック 2026-03-04';
    expect(await said(words, { name: undefined })).toBe(words);
  });
});
