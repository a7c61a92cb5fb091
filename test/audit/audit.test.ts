import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { XMLParser } from 'fast-xml-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditChain } from '../../src/audit/chain.ts';
import { auditFiles } from '../../src/audit/days.ts';
import { type AuditEvent, auditMessage } from '../../src/audit/message.ts';
import { RefusalTally } from '../../src/audit/refusals.ts';
import { AuditTrail, type AuditTrailOptions } from '../../src/audit/trail.ts';
import { verifyAuditLog } from '../../src/audit/verify.ts';
import { listen } from '../../src/http/listen.ts';
import { audited } from '../../src/http/security/audited.ts';
import type { Principal } from '../../src/http/security/principal.ts';

const DAY = new Date('2026-03-01T12:00:00Z');
const DAY_MS = 86_400_000;
const FILE = 'audit-2026-03-01.log';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'audit-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const event = (changes: Partial<AuditEvent> = {}): AuditEvent => ({
  event: 'instancesAccessed',
  action: 'U',
  outcome: '0',
  at: DAY,
  participants: [{ userId: 'ann', isRequestor: true, address: '10.0.0.1' }],
  objects: [{ kind: 'study', id: '1.2.3' }],
  ...changes,
});
const source = { sourceId: 'node' };

describe('an audit message', () => {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@' });

  it('is one line of XML, whatever a name holds', () => {
    const userId = 'a"b<c>&d\'\n\r\u0000\u2028\ud800e';
    const text = auditMessage(event({ participants: [{ userId, isRequestor: true }] }), source);
    expect(text).not.toMatch(/[\p{Cc}\u2028]/u);
    const parsed: unknown = parser.parse(text);
    expect(parsed).toMatchObject({
      AuditMessage: { ActiveParticipant: { '@UserID': expect.stringMatching(/^a"b<c>&d' +\ufffde$/) } },
    });
  });

  it('names patients by the key that it is given', () => {
    const text = auditMessage(event({ objects: [{ kind: 'patient', id: 'abc123' }] }), source);
    expect(text).toContain('ParticipantObjectID="abc123"');
    expect(text).toContain('csd-code="2" codeSystemName="RFC-3881"');
  });
});

describe('the audit log', () => {
  const write = (count: number, day = DAY): void => {
    const chain = new AuditChain(folder);
    for (let index = 0; index < count; index++) {
      chain.append([auditMessage(event({ objects: [{ kind: 'study', id: `1.${index}` }] }), source)], day);
    }
    chain.close();
  };
  const lines = (file = FILE): string[] => readFileSync(path.join(folder, file), 'utf8').trim().split('\n');
  const openTrail = (options: Partial<AuditTrailOptions> = {}): AuditTrail =>
    new AuditTrail({
      folder,
      source,
      maxBytes: 1e9,
      keepDays: null,
      onProblem: () => undefined,
      onRemoved: () => undefined,
      ...options,
    });
  const rewrite = (changed: readonly string[], file = FILE): void =>
    writeFileSync(path.join(folder, file), changed.map((line) => `${line}\n`).join(''));

  it('is whole after several processes and over several days, a file per day', async () => {
    write(3);
    write(2);
    write(2, new Date('2026-03-02T00:00:01Z'));
    expect(readdirSync(folder).filter((name) => name.endsWith('.log'))).toEqual([
      FILE,
      'audit-2026-03-02.log',
    ]);
    const report = await verifyAuditLog(folder);
    expect(report).toMatchObject({ files: 2, lines: 7, first: 1, last: { sequence: 7 }, problems: [] });
  });

  it('shows a line that was changed, removed, added, moved, or cut off at the end', async () => {
    write(5);
    const whole = lines();
    const [one = '', two = '', three = '', four = '', five = ''] = whole;
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[one, two.replace('ann', 'bob'), three, four, five], /line 3: the line before it was changed/],
      [[one, three, four, five], /line 2 has number 3 after 1/],
      [[one, two, two, three, four, five], /line 3 has number 2 after 2/],
      [[two, one, three, four, five], /has number/],
      [[one, two, three, four], /lines up to number 5 were written, and the last one that is there is 4/],
      [[one, two, three, four, five.replace('ann', 'bob')], /the last line, number 5, was changed/],
      [[one, two, 'nonsense', three, four, five], /line 3 is no line of an audit log/],
    ];
    for (const [changed, problem] of cases) {
      rewrite(changed);
      expect((await verifyAuditLog(folder)).problems.join('\n')).toMatch(problem);
    }
    rewrite(whole);
    expect((await verifyAuditLog(folder)).problems).toEqual([]);
    rmSync(path.join(folder, 'head.sqlite'));
    expect((await verifyAuditLog(folder)).problems.join()).toMatch(/head\.sqlite\) is gone/);
  });

  it('goes on after a kill in the middle of a line, and after one between line and head', async () => {
    write(2);
    appendFileSync(path.join(folder, FILE), '3 00ab');
    write(1);
    expect(await verifyAuditLog(folder)).toMatchObject({ lines: 3, problems: [] });
    // As if the head had not been written any more: the state before the last line is put back.
    const before = readFileSync(path.join(folder, 'head.sqlite'));
    write(1);
    writeFileSync(path.join(folder, 'head.sqlite'), before);
    write(1);
    expect(await verifyAuditLog(folder)).toMatchObject({ lines: 5, problems: [] });
  });

  it('begins with a later number where old files were taken away', async () => {
    write(3);
    write(3, new Date('2026-03-02T00:00:01Z'));
    rmSync(path.join(folder, FILE));
    expect(await verifyAuditLog(folder)).toMatchObject({ first: 4, lines: 3, problems: [] });
  });

  it('holds a reading that is repeated within a minute once, everything else each time', async () => {
    const trail = openTrail();
    const reading = event({ action: 'R' });
    for (const seconds of [0, 5, 30, 61]) {
      trail.record({ ...reading, at: new Date(DAY.getTime() + seconds * 1000) });
    }
    trail.record({ ...reading, outcome: '4' });
    trail.record({ ...reading, outcome: '4' });
    trail.record({ ...reading, participants: [{ userId: 'bob', isRequestor: true }] });
    for (const query of ['', '', '?state=done']) {
      trail.record(event({ event: 'query', action: 'E', objects: [{ kind: 'address', id: '/', query }] }));
    }
    await trail.close();
    expect(lines()).toHaveLength(7);
  });

  it('keeps what cannot be written, and writes it when it can be', async () => {
    const problems: unknown[] = [];
    const trail = openTrail({ onProblem: (error) => problems.push(error) });
    mkdirSync(path.join(folder, FILE));
    trail.record(event());
    await trail.flush();
    expect(problems).toHaveLength(1);
    expect(trail.problem).toBeDefined();
    rmdirSync(path.join(folder, FILE));
    trail.record(event());
    await trail.close();
    expect(lines()).toHaveLength(2);
  });

  it('is written in the order in which it was recorded, whole, whatever is recorded meanwhile', async () => {
    const trail = openTrail();
    const ids: string[] = [];
    for (let turn = 0; turn < 40; turn++) {
      for (let index = 0; index < 40; index++) {
        const id = `1.${turn}.${index}`;
        ids.push(id);
        trail.record(event({ objects: [{ kind: 'study', id }] }));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await trail.close();
    expect(lines().map((line) => /ParticipantObjectID="([\d.]+)"/.exec(line)?.[1])).toEqual(ids);
    expect(await verifyAuditLog(folder)).toMatchObject({ lines: ids.length, problems: [] });
  });

  it('says itself how many messages were lost when too many waited', async () => {
    const problems: unknown[] = [];
    const trail = openTrail({ onProblem: (error) => problems.push(error) });
    mkdirSync(path.join(folder, FILE));
    for (let index = 0; index < 10_007; index++) trail.record(event());
    await trail.flush();
    expect(trail.isFull).toBe(true);
    expect(problems.map(String)).toEqual([
      expect.stringMatching(/are lost/),
      expect.stringMatching(/EISDIR/),
    ]);
    rmdirSync(path.join(folder, FILE));
    await trail.close();
    expect(lines()).toHaveLength(10_001);
    expect(lines().at(-1)).toContain('7 messages were lost while the log could not be written');
  });

  it('waits while its folder has no room, and goes on when old days were moved away', async () => {
    write(40);
    const problems: unknown[] = [];
    const maxBytes = statSync(path.join(folder, FILE)).size + statSync(path.join(folder, 'head.sqlite')).size;
    const trail = openTrail({ maxBytes, onProblem: (error) => problems.push(error) });
    const at = new Date(DAY.getTime() + DAY_MS);
    trail.record(event({ at }));
    await trail.flush();
    expect(problems).toMatchObject([{ code: 'AUDIT_FULL', message: expect.stringMatching(/maxMegabytes/) }]);
    expect(lines()).toHaveLength(40);
    rmSync(path.join(folder, FILE));
    await trail.close();
    expect(lines('audit-2026-03-02.log')).toHaveLength(1);
    expect(await verifyAuditLog(folder)).toMatchObject({ first: 41, problems: [] });
  });

  it('compresses days that are over, stays one chain, and lets go what the site says', async () => {
    write(3);
    write(3, new Date(DAY.getTime() + DAY_MS));
    const removed: string[] = [];
    const trail = openTrail({ keepDays: 10, onRemoved: (files) => removed.push(...files) });
    const days = (count: number) => new Date(DAY.getTime() + count * DAY_MS);
    trail.record(event({ at: days(3) }));
    await trail.flush();
    expect(await auditFiles(folder)).toEqual([`${FILE}.gz`, 'audit-2026-03-02.log', 'audit-2026-03-04.log']);
    expect(await verifyAuditLog(folder)).toMatchObject({ files: 3, lines: 7, first: 1, problems: [] });
    writeFileSync(
      path.join(folder, `${FILE}.gz`),
      readFileSync(path.join(folder, `${FILE}.gz`)).subarray(0, 90),
    );
    expect((await verifyAuditLog(folder)).problems.join()).toMatch(
      /audit-2026-03-01\.log\.gz cannot be read/,
    );
    trail.record(event({ at: days(11) }));
    await trail.close();
    expect(removed).toEqual([`${FILE}.gz`]);
    expect(await verifyAuditLog(folder)).toMatchObject({ first: 4, problems: [] });
  });

  it('counts refusals of a kind: the first as it is, the others as one message', () => {
    const events: AuditEvent[] = [];
    const tally = new RefusalTally({ record: (one) => events.push(one), now: () => DAY });
    const refusal = (status: number) =>
      event({
        outcome: '4',
        outcomeDescription: `HTTP status ${status}`,
        objects: [{ kind: 'address', id: 'a'.repeat(8_000) }],
      });
    for (let index = 0; index < 1_000; index++) tally.add('address 1', refusal(index % 4 === 0 ? 429 : 401));
    tally.add('address 2', refusal(401));
    tally.tell();
    tally.tell();
    expect(events).toHaveLength(3);
    expect(events[0]?.objects?.[0]?.id).toHaveLength(203);
    expect(events[2]).toMatchObject({
      outcome: '4',
      outcomeDescription:
        '999 more refusals of the same kind within a minute: 750 x HTTP status 401, 249 x HTTP status 429',
    });
  });

  it('is not filled by refusals from many addresses', () => {
    const events: AuditEvent[] = [];
    const tally = new RefusalTally({ record: (one) => events.push(one), now: () => DAY });
    for (let index = 0; index < 20_000; index++) tally.add(`address ${index}`, event({ outcome: '4' }));
    tally.tell();
    expect(events.length).toBeLessThan(300);
    expect(events.at(-1)?.outcomeDescription).toMatch(/^19744 more refusals from further addresses/);
    expect(events.at(-1)?.participants).toEqual([{ userId: 'several', isRequestor: true }]);
  });
});

describe('requests', () => {
  const VIEWER: Principal = { name: 'eve', roles: ['viewer'], by: 'bearer' };

  async function recorded(
    method: string,
    address: string,
    { status = 200, principal = VIEWER }: { status?: number; principal?: Principal | null } = {},
  ): Promise<AuditEvent[]> {
    const events: AuditEvent[] = [];
    const app = express();
    app.set('trust proxy', []);
    app.use(
      audited({
        record: (one) => events.push(one),
        refusals: { add: (_kind, one) => events.push(one) },
        isFull: () => false,
        hash: (text) => `hash:${text.length}`,
        sourceId: 'node',
        basePath: '/pan',
        now: () => DAY,
      }),
    );
    app.use((_request, response) => {
      if (principal) response.locals.principal = principal;
      response.status(status).end();
    });
    const server = await listen(app, '127.0.0.1', 0);
    await fetch(`${server.url}/pan${address}`, { method, headers: { Authorization: 'Bearer x' } });
    await server.close();
    return events;
  }

  const STUDY_123 = { kind: 'study', id: '1.2.3' };
  const PATIENT_KEY = { kind: 'patient', id: '0ab1' };
  it.each([
    ['GET', '/', 'query', { kind: 'address', id: '/' }],
    ['GET', '/api/studies?limit=5', 'query', { kind: 'address', id: '/api/studies' }],
    ['GET', '/api/audit/2026-03-01', 'auditLogUsed', { kind: 'address' }],
    ['GET', '/studies/1.2.3', 'instancesAccessed', STUDY_123],
    ['GET', '/api/studies/1.2.3', 'instancesAccessed', STUDY_123],
    ['GET', '/patients/0ab1', 'patientRecord', PATIENT_KEY],
    ['GET', '/api/patients/0ab1/volumes.csv', 'export', PATIENT_KEY],
    ['GET', '/dicom-web/studies?PatientID=*', 'query', { kind: 'address', id: '/dicom-web/studies' }],
    [
      'GET',
      '/dicom-web/studies/1.2.3/series',
      'query',
      { kind: 'address', id: '/dicom-web/studies/1.2.3/series' },
    ],
    ['GET', '/dicom-web/studies/1.2.3/metadata', 'instancesAccessed', STUDY_123],
    ['GET', '/dicom-web/studies/1.2.3', 'instancesTransferred', STUDY_123],
    ['POST', '/api/studies/1.2.3/process', 'securityAlert', STUDY_123],
  ])('%s %s is recorded as %s', async (method, address, name, object) => {
    const [one, ...more] = await recorded(method, address);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ event: name, outcome: '0', at: DAY });
    expect(one?.participants[0]).toMatchObject({ userId: 'eve', isRequestor: true, address: '127.0.0.1' });
    expect(one?.objects?.[0]).toMatchObject(object);
  });

  it('a study that is sent in names no study before it has been read', async () => {
    const events = await recorded('POST', '/dicom-web/studies');
    expect(events).toMatchObject([{ event: 'instancesTransferred', action: 'C', objects: [] }]);
  });

  it('of who shows wrong credentials or lacks the role are recorded as refused', async () => {
    expect(await recorded('GET', '/api/studies', { status: 401, principal: null })).toMatchObject([
      { event: 'userAuthentication', outcome: '4', participants: [{ userId: 'unknown' }, {}] },
    ]);
    expect(await recorded('POST', '/api/studies/1.2.3/process', { status: 403 })).toMatchObject([
      { event: 'securityAlert', outcome: '4', participants: [{ userId: 'eve' }, {}] },
    ]);
  });

  it('that show nobody anything are not recorded, nor what the node asks itself', async () => {
    for (const address of ['/healthz', '/metrics', '/assets/a.css', '/login', '/api/events']) {
      expect(await recorded('GET', address)).toEqual([]);
    }
    const own: Principal = { name: 'node', roles: ['operator'], by: 'own' };
    expect(await recorded('GET', '/dicom-web/studies/1.2.3', { principal: own })).toEqual([]);
    expect(await recorded('POST', '/api/commands/opt-out', { principal: own })).toHaveLength(1);
  });
});
