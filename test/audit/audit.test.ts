import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { XMLParser } from 'fast-xml-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditChain } from '../../src/audit/chain.ts';
import { type AuditEvent, auditMessage } from '../../src/audit/message.ts';
import { AuditTrail } from '../../src/audit/trail.ts';
import { verifyAuditLog } from '../../src/audit/verify.ts';
import { listen } from '../../src/http/listen.ts';
import { audited } from '../../src/http/security/audited.ts';
import type { Principal } from '../../src/http/security/principal.ts';

const DAY = new Date('2026-03-01T12:00:00Z');
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
    const trail = new AuditTrail({ folder, source, onProblem: () => {} });
    const reading = event({ action: 'R' });
    for (const seconds of [0, 5, 30, 61]) {
      trail.record({ ...reading, at: new Date(DAY.getTime() + seconds * 1000) });
    }
    trail.record({ ...reading, outcome: '4' });
    trail.record({ ...reading, outcome: '4' });
    trail.record({ ...reading, participants: [{ userId: 'bob', isRequestor: true }] });
    trail.close();
    expect(lines()).toHaveLength(5);
  });

  it('keeps what cannot be written, and writes it when it can be', () => {
    const problems: unknown[] = [];
    const trail = new AuditTrail({ folder, source, onProblem: (error) => problems.push(error) });
    mkdirSync(path.join(folder, FILE));
    trail.record(event());
    trail.flush();
    expect(problems).toHaveLength(1);
    rmdirSync(path.join(folder, FILE));
    trail.record(event());
    trail.close();
    expect(lines()).toHaveLength(2);
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
      audited({ record: (one) => events.push(one), sourceId: 'node', basePath: '/pan', now: () => DAY }),
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
