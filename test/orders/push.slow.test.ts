import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { listedOrders } from '../../src/store/orders/performed-orders.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { inputItem, type OrderNode, startOrderNode, workitem } from '../support/order-node.ts';
import { PATIENCE } from '../support/patience.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import type { Json } from '../support/worklist-server.ts';

const OTHER_STATION: Json = {
  '00404025': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['ELSEWHERE'] } }] },
};
const SENT: Json = { '00741000': { vr: 'CS', Value: ['SCHEDULED'] } };
const change = (state: string, key?: string): Json => ({
  '00741000': { vr: 'CS', Value: [state] },
  ...(key === undefined ? {} : { '00081195': { vr: 'UI', Value: [key] } }),
});

let archive: RunningArchive;
let client: DicomWebClient;
let running: OrderNode;
let next = 0;
beforeAll(async () => {
  archive = await startEmbeddedArchive();
  client = new DicomWebClient({ url: archive.url });
  running = await startOrderNode(archive.url, { accept: true });
});
afterAll(async () => {
  await running?.stop();
  await archive?.stop();
});

const newStudy = async (): Promise<string> => {
  next += 1;
  const study = `1.2.826.0.1.22.${next}`;
  await client.storeVerified(study, smallCtSeries(study, { PatientID: `P-${study}` }));
  return study;
};
interface Said {
  readonly status: number;
  readonly location: string | null;
  readonly warning: string | null;
  readonly items: readonly Json[];
  readonly text: string;
}
async function ask(
  method: string,
  at: string,
  body?: unknown,
  headers: Record<string, string> = {},
  where = running,
): Promise<Said> {
  const response = await fetch(`${where.node().url}/dicom-web/workitems${at}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/dicom+json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const items = response.status === 200 && text !== '' ? (JSON.parse(text) as Json[]) : [];
  return {
    status: response.status,
    location: response.headers.get('Location'),
    warning: response.headers.get('Warning'),
    items,
    text,
  };
}
const statusOf = async (method: string, at: string, body?: unknown) => (await ask(method, at, body)).status;
const stateOf = async (uid: string) => (await ask('GET', `/${uid}`)).items[0]?.['00741000']?.Value?.[0];
const first = (data: Json | undefined, tag: string) => data?.[tag]?.Value?.[0] as Json | undefined;

describe("the node's own worklist", () => {
  it('takes an order, performs it, and says what came out; never the Transaction UID', async () => {
    const study = await newStudy();
    const created = await ask('POST', '?AffectedSOPInstanceUID=1.2.77', [workitem([inputItem(study)], SENT)]);
    expect(created).toMatchObject({ status: 201, location: '/dicom-web/workitems/1.2.77', text: '' });
    await vi.waitFor(async () => expect(await stateOf('1.2.77')).toBe('COMPLETED'), PATIENCE);
    const { items, text } = await ask('GET', '/1.2.77');
    const output = (first(items[0], '00741216')?.['00404033']?.Value ?? []) as Json[];
    const named = output
      .flatMap((item) => (item['00081199']?.Value ?? []) as Json[])
      .map((one) => String(one['00081155']?.Value?.[0]));
    const { segmentations, reports } = await storedResults(client, [study]);
    expect(named.toSorted()).toEqual(
      [...(segmentations.get(study) ?? []), ...(reports.get(study) ?? [])].toSorted(),
    );
    const all = await listedOrders(running.node().database, 100);
    const order = all.find(({ workitemUid }) => workitemUid === '1.2.77');
    expect(order).toMatchObject({ state: 'COMPLETED', accessionNumber: 'ACC-7' });
    const search = await ask(
      'GET',
      `?ProcedureStepState=COMPLETED&InputInformationSequence.StudyInstanceUID=${study}`,
    );
    expect(search.items).toHaveLength(1);
    for (const said of [text, search.text]) {
      expect(said).not.toContain('00081195');
      expect(said).not.toContain(order?.transactionUid ?? 'no order');
    }
    const page = await (await fetch(`${running.node().url}/studies/${study}`)).text();
    expect(page).toContain('ACC-7');
    expect(page).toContain('1.2.77');
    const metrics = await (await fetch(`${running.node().url}/metrics`)).text();
    expect(metrics).toContain('pansegnet_orders_total{worklist="own",outcome="completed"} 1');
  });

  it('answers to each change as the standard has it, whoever performs', async () => {
    const elsewhere = workitem([inputItem('1.2.3')], { ...SENT, ...OTHER_STATION });
    expect(await statusOf('POST', '?1.2.5', [elsewhere])).toBe(201);
    expect(await statusOf('POST', '?workitem=1.2.5', elsewhere)).toBe(409);
    const K = '1.9.1';
    const performed: Json = {
      '00741216': {
        vr: 'SQ',
        Value: [
          {
            '00404028': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['ELSEWHERE'] } }] },
            '00404019': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['110001'] } }] },
            '00404050': { vr: 'DT', Value: ['20260101'] },
            '00404051': { vr: 'DT', Value: ['20260101'] },
            '00404033': { vr: 'SQ' },
          },
        ],
      },
    };
    const steps: readonly (readonly [method: string, at: string, body: unknown, status: number])[] = [
      ['PUT', '/1.2.5/state', [change('COMPLETED', K)], 409],
      ['PUT', '/1.2.5/state', [change('CANCELED', K)], 409],
      ['PUT', '/1.2.5/state', [change('SCHEDULED', K)], 400],
      ['PUT', '/1.2.5/state', [change('IN PROGRESS')], 400],
      ['PUT', '/1.2.5/state', [change('IN PROGRESS', 'no uid')], 400],
      ['PUT', '/1.2.5/state', 'no json', 400],
      ['PUT', '/1.2.5/state', [], 400],
      ['POST', '/1.2.5?1.9.9', [{ '00741204': { vr: 'LO', Value: ['Other'] } }], 409],
      ['POST', '/1.2.5', [{ '00741204': { vr: 'LO', Value: ['Other'] } }], 200],
      ['PUT', '/1.2.5/state/OTHER_AE', [change('IN PROGRESS', K)], 200],
      ['PUT', '/1.2.5/state', [change('IN PROGRESS', K)], 409],
      ['PUT', '/1.2.5/state', [change('IN PROGRESS', '1.9.2')], 409],
      ['POST', '/1.2.5/cancelrequest', undefined, 409],
      ['POST', '/1.2.5', [performed], 400],
      ['POST', '/1.2.5?1.9.2', [performed], 400],
      ['PUT', '/1.2.5/state', [change('COMPLETED', K)], 409],
      ['POST', `/1.2.5?${K}`, [change('COMPLETED')], 400],
      ['POST', `/1.2.5?transaction-uid=${K}`, [performed], 200],
      ['PUT', '/1.2.5/state', [change('COMPLETED', '1.9.2')], 400],
      ['PUT', '/1.2.5/state', [change('COMPLETED', K)], 200],
      ['PUT', '/1.2.5/state', [change('COMPLETED', K)], 200],
      ['PUT', '/1.2.5/state', [change('CANCELED', K)], 409],
      ['POST', `/1.2.5?${K}`, [performed], 409],
      ['POST', '/1.2.5/cancelrequest', undefined, 409],
      ['PUT', '/1.2.6/state', [change('IN PROGRESS', K)], 404],
      ['POST', '/1.2.6/cancelrequest', undefined, 404],
      ['GET', '/1.2.6', undefined, 404],
      ['GET', '/..', undefined, 404],
      ['DELETE', '/1.2.5', undefined, 405],
    ];
    for (const [method, at, body, status] of steps) {
      expect([method, at, body, (await ask(method, at, body)).status]).toEqual([method, at, body, status]);
    }
    expect((await ask('PUT', '/1.2.5/state', [change('COMPLETED', K)])).warning).toContain(
      'already in the requested state',
    );
    expect(first((await ask('GET', '/1.2.5')).items[0], '00741204')).toBe('Other');
  });

  it('refuses what is no workitem, and says why', async () => {
    const before = (await ask('GET', '')).items.length;
    const good = workitem([inputItem('1.2.3')], { ...SENT, ...OTHER_STATION });
    const without = (tag: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== tag));
    const bad: readonly unknown[] = [
      ...['00404005', '00404041', '00741200', '00741204', '00741000'].map(without),
      { ...good, '00741000': { vr: 'CS', Value: ['IN PROGRESS'] } },
      { ...good, '00081195': { vr: 'UI', Value: ['1.2.3'] } },
      { ...good, '00404041': { vr: 'CS', Value: ['MAYBE'] } },
      { ...good, '00741200': { vr: 'CS', Value: [{ deep: true }] } },
      { ...good, '00741204': { vr: 'LO', Value: 'no list' } },
      { ...good, '00741204': { Value: ['no VR'] } },
      { ...good, notATag: { vr: 'LO' } },
      { ...good, '00741204': { vr: 'LO', Value: ['a\u0000b'] } },
      [good, good],
      [],
      7,
      'no json',
    ];
    for (const body of bad) {
      expect([body, await statusOf('POST', '', body)]).toEqual([body, 400]);
    }
    const deep = `${'['.repeat(20_000)}{}${']'.repeat(20_000)}`;
    const nested = JSON.stringify({ ...good, '00404021': { vr: 'SQ', Value: ['@'] } }).replace('"@"', deep);
    expect(await statusOf('POST', '', nested)).toBe(400);
    const many = Array.from({ length: 10_000 }, (_, place) => `1.2.3.${place}`);
    expect(await statusOf('POST', '', workitem([inputItem('1.2.3', '1.2.3.4', many)], SENT))).toBe(413);
    expect((await ask('POST', '', good, { 'Content-Type': 'application/dicom+xml' })).status).toBe(415);
    expect((await ask('GET', '', undefined, { Accept: 'text/csv' })).status).toBe(406);
    expect((await ask('GET', '')).items).toHaveLength(before);
    expect((await ask('POST', '', good)).location).toMatch(/workitems\/2\.25\.\d+$/);
  });

  it('cancels on request what nobody has claimed, and what waits; never what is stored', async () => {
    const study = await newStudy();
    const elsewhere = workitem([inputItem(study)], { ...SENT, ...OTHER_STATION });
    await ask('POST', '?1.2.8', elsewhere);
    expect(
      await statusOf('POST', '/1.2.8/cancelrequest', [{ '00741238': { vr: 'LT', Value: ['twice'] } }]),
    ).toBe(202);
    expect(await stateOf('1.2.8')).toBe('CANCELED');
    const again = await ask('POST', '/1.2.8/cancelrequest/SOMEBODY');
    expect([again.status, again.warning]).toEqual([202, expect.stringContaining('CANCELED')]);

    await ask('POST', '?1.2.9', workitem([inputItem(study, `${study}.1`, [`${study}.1.13`])], SENT));
    await vi.waitFor(async () => expect(await stateOf('1.2.9')).toBe('IN PROGRESS'), PATIENCE);
    for (let count = 0; count < 20; count++) {
      expect([202, 409]).toContain(await statusOf('POST', '/1.2.9/cancelrequest'));
    }
    await vi.waitFor(async () => expect(await stateOf('1.2.9')).toBe('CANCELED'), PATIENCE);
    expect((await storedResults(client, [study])).reports.size).toBe(0);

    await ask('POST', '?1.2.10', workitem([inputItem(study)], SENT));
    await vi.waitFor(async () => expect(await stateOf('1.2.10')).toBe('COMPLETED'), PATIENCE);
    expect(await statusOf('POST', '/1.2.10/cancelrequest')).toBe(409);
    expect(await stateOf('1.2.10')).toBe('COMPLETED');
  });

  it('searches by keywords and tags, into sequences, with wildcards and ranges', async () => {
    for (const [uid, label] of [
      ['1.2.31', 'Pancreas CT'],
      ['1.2.32', 'Pancreas MR'],
    ] as const) {
      await ask(
        'POST',
        `?${uid}`,
        workitem([inputItem('1.2.3')], {
          ...SENT,
          ...OTHER_STATION,
          '00741204': { vr: 'LO', Value: [label] },
          '00404005': { vr: 'DT', Value: [uid === '1.2.31' ? '20260101' : '20260301'] },
        }),
      );
    }
    const found = async (query: string) =>
      (await ask('GET', `?${query}`)).items.map((item) => item['00080018']?.Value?.[0]);
    expect(await found('ProcedureStepLabel=Pancreas%20*')).toEqual(['1.2.31', '1.2.32']);
    expect(await found('ProcedureStepLabel=*MR')).toEqual(['1.2.32']);
    expect(await found('00741204=Pancreas%20??')).toEqual(['1.2.31', '1.2.32']);
    expect(
      await found('ScheduledStationNameCodeSequence.CodeValue=ELSEWHERE&ProcedureStepLabel=*MR'),
    ).toEqual(['1.2.32']);
    expect(await found('00404025.00080100=NOWHERE')).toEqual([]);
    expect(await found('ScheduledProcedureStepStartDateTime=20260201-&includefield=all')).toEqual(['1.2.32']);
    expect(await found('ProcedureStepLabel=Pancreas%20*&offset=1&limit=1')).toEqual(['1.2.32']);
    expect(await found('PatientID=P-2')).toEqual([]);
  });
});

describe('where the site keeps no names and asks who it is', () => {
  let folder: string;
  let node: OrderNode;
  const token = { viewer: '', reviewer: '', operator: '', sender: '' };
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'order-tokens-'));
    const tokensFile = path.join(folder, 'tokens.json');
    for (const role of ['viewer', 'reviewer', 'operator', 'sender'] as const) {
      token[role] = await addToken(tokensFile, { name: role, role, expires: null, now: new Date() });
    }
    const sections = { auth: { tokensFile }, pages: { patientNames: false } };
    node = await startOrderNode(archive.url, { accept: true }, sections);
  });
  afterAll(async () => {
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const as = (role: keyof typeof token | undefined, method: string, at: string, body?: unknown) =>
    ask(method, at, body, role ? { Authorization: `Bearer ${token[role]}` } : {}, node);
  const item = workitem([inputItem('1.2.3')], { ...SENT, ...OTHER_STATION });

  it('names are left out of a workitem, and the answer says so', async () => {
    const created = await as('sender', 'POST', '?1.2.41', item);
    expect(created).toMatchObject({
      status: 201,
      warning: expect.stringContaining('created with modifications'),
    });
    expect((await as('operator', 'GET', '/1.2.41')).text).not.toContain('Doe');
    const named = [{ '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Roe^Rita' }] } }];
    expect((await as('operator', 'POST', '/1.2.41', named)).status).toBe(200);
    expect((await as('operator', 'GET', '/1.2.41')).text).not.toContain('Roe');
  });

  it('senders give orders and take them back, and operators alone see and perform them', async () => {
    expect((await as(undefined, 'POST', '?1.2.51', item)).status).toBe(401);
    for (const role of ['viewer', 'reviewer'] as const) {
      expect((await as(role, 'POST', '?1.2.51', item)).status).toBe(403);
    }
    expect((await as('sender', 'POST', '?1.2.51', item)).status).toBe(201);
    const performing = [
      ['GET', '', undefined],
      ['GET', '/1.2.51', undefined],
      ['POST', '/1.2.51', [{ '00741204': { vr: 'LO', Value: ['X'] } }]],
      ['PUT', '/1.2.51/state', [change('IN PROGRESS', '1.9')]],
    ] as const;
    for (const [method, at, body] of performing) {
      for (const role of ['viewer', 'reviewer', 'sender'] as const) {
        const { status } = await as(role, method, at, body);
        expect([method, at, role, status]).toEqual([method, at, role, 403]);
      }
      expect((await as('operator', method, at, body)).status).toBe(200);
    }
    await as('operator', 'POST', '?1.2.52', item);
    expect((await as('sender', 'POST', '/1.2.52/cancelrequest')).status).toBe(202);
  });
});
