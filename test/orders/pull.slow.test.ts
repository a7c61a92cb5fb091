import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { listedOrders } from '../../src/store/orders/performed-orders.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { inputItem, type OrderNode, STATION, startOrderNode, workitem } from '../support/order-node.ts';
import { PATIENCE } from '../support/patience.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { plainPixels, smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import { type Json, startWorklist, type WorklistServer } from '../support/worklist-server.ts';

let archive: RunningArchive;
let client: DicomWebClient;
let worklist: WorklistServer;
let running: OrderNode;
let next = 0;

beforeAll(async () => {
  [archive, worklist] = await Promise.all([startEmbeddedArchive(), startWorklist()]);
  client = new DicomWebClient({ url: archive.url });
  const orders = { worklist: { url: worklist.url }, retrieveHosts: ['pacs.example'] };
  running = await startOrderNode(archive.url, orders);
});
afterAll(async () => {
  await running?.stop();
  await worklist?.stop();
  await archive?.stop();
});
const newStudy = async (attributes: Record<string, unknown> = {}): Promise<string> => {
  next += 1;
  const study = `1.2.826.0.1.21.${next}`;
  await client.storeVerified(study, smallCtSeries(study, { PatientID: `P-${study}`, ...attributes }));
  return study;
};
const uidOf = (study: string): string => `${study}.77`;
const order = (study: string, more: Json = {}): string => {
  worklist.place(uidOf(study), workitem([inputItem(study)], more));
  return uidOf(study);
};
const stateOf = (uid: string): string => worklist.items.get(uid)?.state ?? 'gone';
const ended = async (uid: string): Promise<string> => {
  await vi.waitFor(() => expect(stateOf(uid)).toMatch(/COMPLETED|CANCELED/), PATIENCE);
  return stateOf(uid);
};
const first = (data: Json | undefined, tag: string) => data?.[tag]?.Value?.[0] as Json | undefined;
const reasonOf = (uid: string): unknown =>
  first(first(worklist.items.get(uid)?.data, '00741002'), '0074100E')?.['00080100']?.Value?.[0];
const wordsOf = (uid: string): unknown =>
  first(worklist.items.get(uid)?.data, '00741002')?.['00741238']?.Value?.[0];
const resultsOf = async (study: string): Promise<string[]> => {
  const { segmentations, reports } = await storedResults(client, [study]);
  return [...(segmentations.get(study) ?? []), ...(reports.get(study) ?? [])].toSorted();
};
const runsOf = async (study: string) =>
  running.node().database.query('SELECT starts FROM pansegnet.run WHERE study_instance_uid = $1', [study]);
/** What the node itself keeps of an order. */
const keptOf = async (uid: string) =>
  (await listedOrders(running.node().database, 1_000)).find(({ workitemUid }) => workitemUid === uid);
/** The same, once the node thinks that it is over. */
const settled = async (uid: string) => {
  await vi.waitFor(async () => expect((await keptOf(uid))?.endedAt).toBeDefined(), PATIENCE);
  return keptOf(uid);
};

describe('an order of a worklist', () => {
  it('is claimed, and completed with exactly the instances that were stored', async () => {
    const study = await newStudy();
    const uid = order(study);
    expect(await ended(uid)).toBe('COMPLETED');
    const item = worklist.items.get(uid);
    expect(item?.states).toEqual(['SCHEDULED', 'IN PROGRESS', 'COMPLETED']);
    expect(worklist.output(uid)).toEqual(await resultsOf(study));
    expect(worklist.output(uid)).toHaveLength(2);
    expect(item?.progress).toEqual(item?.progress.toSorted((a, b) => a - b));
    expect(item?.progress.at(-1)).toBe(100);
    const performed = first(item?.data, '00741216');
    expect(first(performed, '00404028')?.['00080100']?.Value).toEqual([STATION]);
    expect(first(performed, '00404019')?.['00080100']?.Value).toEqual(['110001']);
    const output = first(performed, '00404033');
    expect(String(first(output, '0040E025')?.['00081190']?.Value?.[0])).toContain(
      `${archive.url}/studies/${study}`,
    );
    expect(await settled(uid)).toMatchObject({
      state: 'COMPLETED',
      accessionNumber: 'ACC-7',
      requestedProcedure: 'RP-7',
      studyInstanceUid: study,
    });
  });

  it('that the watch dealt with before is completed with the same results, without another run', async () => {
    const study = await newStudy();
    const { node } = running;
    await node().watcher.poll();
    await node().watcher.poll();
    await vi.waitFor(async () => expect(await resultsOf(study)).toHaveLength(2), PATIENCE);
    await vi.waitFor(
      async () => expect((await node().studyDetails(study))?.study.state).toBe('done'),
      PATIENCE,
    );
    const before = await resultsOf(study);
    const uid = order(study);
    expect(await ended(uid)).toBe('COMPLETED');
    expect(worklist.output(uid)).toEqual(before);
    expect(await resultsOf(study)).toEqual(before);
    expect(await runsOf(study)).toEqual([{ starts: 1 }]);
  });

  it('that the watch finds while it waits is processed once', async () => {
    const study = await newStudy();
    const { node } = running;
    const uid = order(study);
    await Promise.all([node().watcher.poll(), node().watcher.poll()]);
    expect(await ended(uid)).toBe('COMPLETED');
    await node().watcher.poll();
    await settled(uid);
    expect(await runsOf(study)).toEqual([{ starts: 1 }]);
    expect(worklist.output(uid)).toEqual(await resultsOf(study));
  });

  it('where nothing is found is completed with the report alone', async () => {
    const study = await newStudy({ PixelData: plainPixels() });
    const uid = order(study);
    expect(await ended(uid)).toBe('COMPLETED');
    expect(worklist.output(uid)).toHaveLength(1);
    expect(worklist.output(uid)).toEqual(await resultsOf(study));
  });

  it('is left where it is unless it is for this station, of a known kind, ready and due', async () => {
    const study = await newStudy();
    const other = (tag: string, value: string, vr = 'CS'): Json => ({ [tag]: { vr, Value: [value] } });
    const kinds: Json[] = [
      other('00404041', 'INCOMPLETE'),
      other('00404005', '29990101000000', 'DT'),
      { '00404018': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['110005'] } }] } },
      { '00404018': { vr: 'SQ' } },
      {
        '00404025': {
          vr: 'SQ',
          Value: [
            { '00080100': { vr: 'SH', Value: [STATION] }, '00080102': { vr: 'SH', Value: ['99OTHER'] } },
          ],
        },
      },
    ];
    for (const [place, more] of kinds.entries())
      worklist.place(`${study}.9${place}`, workitem([inputItem(study)], more));
    const uid = order(study);
    expect(await ended(uid)).toBe('COMPLETED');
    expect(kinds.map((_, place) => stateOf(`${study}.9${place}`))).toEqual(kinds.map(() => 'SCHEDULED'));
  });
});

it('a node that only pulls orders takes none', async () => {
  const at = `${running.node().url}/dicom-web/workitems`;
  const headers = { 'Content-Type': 'application/dicom+json' };
  const item = JSON.stringify([workitem([inputItem('1.2.3')])]);
  expect((await fetch(at, { method: 'POST', headers, body: item })).status).toBe(404);
});

describe('what goes wrong on the way', () => {
  it('a claim that another performer won leaves nothing behind', async () => {
    const study = await newStudy();
    worklist.trouble('IN PROGRESS', 'another is faster');
    const uid = order(study);
    await vi.waitFor(() => expect(stateOf(uid)).toBe('IN PROGRESS'), PATIENCE);
    expect(await ended(order(await newStudy()))).toBe('COMPLETED');
    expect(await keptOf(uid)).toBeUndefined();
    expect(worklist.items.get(uid)?.progress).toEqual([]);
    expect(await runsOf(study)).toEqual([]);
  });

  for (const how of ['drop the answer', 'never hear', 'status 503'] as const) {
    for (const [what, asked] of [
      ['the claim', 'IN PROGRESS'],
      ['an update', 'update'],
      ['the end', 'COMPLETED'],
    ] as const) {
      it(`${what}, when the worklist does "${how}", is taken up with the same Transaction UID`, async () => {
        const study = await newStudy();
        const uid = order(study);
        worklist.trouble(asked, how);
        expect(await ended(uid)).toBe('COMPLETED');
        expect(await settled(uid)).toMatchObject({ state: 'COMPLETED' });
        expect(worklist.items.get(uid)?.states).toEqual(['SCHEDULED', 'IN PROGRESS', 'COMPLETED']);
        expect(worklist.output(uid)).toEqual(await resultsOf(study));
      });
    }
  }

  /** A claimed order that waits for its 13th image. */
  const waiting = async (): Promise<{ study: string; uid: string; complete: () => Promise<unknown> }> => {
    const study = await newStudy();
    const uid = uidOf(study);
    worklist.place(uid, workitem([inputItem(study, `${study}.1`, [`${study}.1.13`])]));
    await vi.waitFor(() => expect(worklist.items.get(uid)?.progress).toContain(0), PATIENCE);
    const series = smallCtSeries(study, { PatientID: `P-${study}` }, 13);
    return { study, uid, complete: () => client.storeVerified(study, series.slice(12)) };
  };

  it('a restart goes on with the kept Transaction UID', async () => {
    const { study, uid, complete } = await waiting();
    const key = worklist.items.get(uid)?.key;
    await running.restart();
    expect(await keptOf(uid)).toMatchObject({ transactionUid: key });
    await complete();
    expect(await ended(uid)).toBe('COMPLETED');
    expect(worklist.items.get(uid)?.states).toEqual(['SCHEDULED', 'IN PROGRESS', 'COMPLETED']);
    expect(worklist.output(uid)).toEqual(await resultsOf(study));
  });

  it('input that comes late is waited for, and all of it is in the results', async () => {
    const { study, uid, complete } = await waiting();
    expect(await resultsOf(study)).toEqual([]);
    await complete();
    expect(await ended(uid)).toBe('COMPLETED');
    expect(worklist.output(uid)).toEqual(await resultsOf(study));
    expect(await runsOf(study)).toEqual([{ starts: 1 }]);
  });

  it('a study without a suitable series ends it: Object Types not supported', async () => {
    const study = await newStudy({ SeriesDescription: 'knee' });
    const uid = order(study);
    expect([await ended(uid), reasonOf(uid)]).toEqual(['CANCELED', '110522']);
  });

  it('images that make no volume end it: Objects incorrectly formatted', async () => {
    const study = await newStudy({ ImagePositionPatient: ['0', '0', '5'] });
    const uid = order(study);
    expect([await ended(uid), reasonOf(uid)]).toEqual(['CANCELED', '110521']);
  });

  it('results that the worklist refuses again and again end as canceled', async () => {
    const { study, uid, complete } = await waiting();
    for (let count = 0; count < 5; count++) worklist.trouble('COMPLETED', 'status 409');
    await complete();
    expect([await ended(uid), reasonOf(uid)]).toEqual(['CANCELED', '110513']);
    expect(await settled(uid)).toMatchObject({ state: 'CANCELED' });
    expect(await resultsOf(study)).toHaveLength(2);
  });

  it('a workitem whose Transaction UID is another one is given up, and nothing is changed in it', async () => {
    const { uid, complete } = await waiting();
    worklist.set(uid, { key: '9.9.9' });
    await complete();
    expect(await settled(uid)).toMatchObject({ state: 'lost' });
    expect(stateOf(uid)).toBe('IN PROGRESS');
    expect(worklist.output(uid)).toEqual([]);
  });

  for (const [what, change] of [
    ['canceled by somebody else', (uid: string) => worklist.set(uid, { state: 'CANCELED' })],
    ['removed', (uid: string) => worklist.remove(uid)],
  ] as const) {
    it(`a workitem that is ${what} is given up, and the study is not processed for it`, async () => {
      const { study, uid } = await waiting();
      change(uid);
      expect(await settled(uid)).toMatchObject({ state: 'lost' });
      expect(await runsOf(study)).toEqual([]);
    });
  }

  it('a workitem that says that it is to be canceled is canceled, while nothing is stored', async () => {
    const { study, uid } = await waiting();
    const wish = { '00741238': { vr: 'LT', Value: ['wrong patient'] } };
    worklist.set(uid, { data: { '00741002': { vr: 'SQ', Value: [wish] } } });
    expect([await ended(uid), reasonOf(uid)]).toEqual(['CANCELED', '110513']);
    expect(await resultsOf(study)).toEqual([]);
  });
});

describe('hostile orders', () => {
  it('are refused with a reason, and nothing is fetched from a host that is not allowed', async () => {
    const asked: string[] = [];
    const decoy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    decoy.listen(0, '127.0.0.1');
    await once(decoy, 'listening');
    const { port } = decoy.address() as AddressInfo;
    const study = await newStudy();
    const at = (tag: string, below: string, address: unknown): Json => ({
      ...inputItem(study),
      [tag]: { vr: 'SQ', Value: [{ [below]: { vr: 'UR', Value: [address] } }] },
    });
    const host = new URL(archive.url).host;
    const many = Array.from({ length: 10_000 }, (_, place) => `1.2.3.${place}`);
    const cases: readonly (readonly [Json, string])[] = [
      [workitem([at('0040E025', '00081190', `http://127.0.0.1:${port}/dicom-web`)]), '110523'],
      [workitem([at('0040E023', '0040E010', `http://127.0.0.1:${port}/wado`)]), '110523'],
      [workitem([at('0040E025', '00081190', `http://${host}@127.0.0.1:${port}/`)]), '110523'],
      [workitem([at('0040E025', '00081190', `ftp://${host}/`)]), '110523'],
      [workitem([at('0040E025', '00081190', 'file:///etc/passwd')]), '110523'],
      [workitem([at('0040E025', '00081190', '//')]), '110523'],
      [workitem([inputItem(study, `${study}.1`, many)]), '110522'],
      [workitem(Array.from({ length: 2_000 }, () => inputItem(study))), '110522'],
      [workitem([inputItem(study), inputItem('1.2.3')]), '110522'],
      [workitem([]), '110523'],
      [workitem([inputItem('../../etc')]), '110521'],
      [workitem([inputItem(study, 'series')]), '110521'],
      [workitem([inputItem(study, `${study}.1`, ['x y'])]), '110521'],
      [workitem(['a text', 7, null, [[]]]), '110521'],
      [workitem([], { '00404021': { vr: 'LO', Value: ['no sequence'] } }), '110523'],
      [workitem([{ '0020000D': { vr: 'SQ', Value: [{}] } }]), '110521'],
    ];
    for (const [place, [item]] of cases.entries()) worklist.place(`${study}.8${place}`, item);
    const came: unknown[] = [];
    for (const place of cases.keys()) {
      const uid = `${study}.8${place}`;
      await ended(uid);
      came.push(reasonOf(uid));
    }
    expect(came).toEqual(cases.map(([, reason]) => reason));
    expect(wordsOf(`${study}.80`)).toContain('a host that this node does not ask');
    expect(asked).toEqual([]);
    expect(await resultsOf(study)).toEqual([]);
    decoy.close();
  });

  it('with a retrieve URL of the archive itself, or of an allowed name of it, are done', async () => {
    const study = await newStudy();
    const item = (address: string): Json => ({
      ...inputItem(study),
      '0040E025': { vr: 'SQ', Value: [{ '00081190': { vr: 'UR', Value: [address] } }] },
    });
    worklist.place(
      uidOf(study),
      workitem([item(`${archive.url}/studies/${study}`), item('https://pacs.example/dicom-web')]),
    );
    expect(await ended(uidOf(study))).toBe('COMPLETED');
  });
});

describe('a node that waits for nothing and makes all that it can, on a worklist that does not search by readiness', () => {
  let other: WorklistServer;
  let node: OrderNode;
  beforeAll(async () => {
    other = await startWorklist({ query: 'plain' });
    const results = { keyImages: true, pdf: true, segmentation: ['binary', 'fractional'] };
    const orders = { worklist: { url: other.url }, inputMinutes: 0, openOrders: 1 };
    node = await startOrderNode(archive.url, orders, { results });
  });
  afterAll(async () => {
    await node?.stop();
    await other?.stop();
  });
  const over = async (uid: string): Promise<string | undefined> => {
    await vi.waitFor(() => expect(other.items.get(uid)?.state).toMatch(/COMPLETED|CANCELED/), PATIENCE);
    return other.items.get(uid)?.state;
  };

  it('names both segmentations, the report, key images and the summary page', async () => {
    const study = await newStudy();
    other.place(uidOf(study), workitem([inputItem(study)]));
    expect(await over(uidOf(study))).toBe('COMPLETED');
    const all: string[] = [];
    for (const series of await client.searchSeries(study)) {
      const uid = String(series['SeriesInstanceUID']);
      if (uid === `${study}.1`) continue;
      for (const one of await client.searchInstances(study, uid)) all.push(String(one['SOPInstanceUID']));
    }
    expect(other.output(uidOf(study))).toEqual(all.toSorted());
    expect(all.length).toBeGreaterThan(5);
  });

  it('cancels where input is missing: Object Set incomplete', async () => {
    const study = await newStudy();
    other.place(uidOf(study), workitem([inputItem(study, `${study}.1`, [`${study}.1.13`])]));
    other.place('1.2.826.0.1.21.900', workitem([inputItem('1.2.826.0.1.21.901')]));
    for (const uid of [uidOf(study), '1.2.826.0.1.21.900']) {
      expect(await over(uid)).toBe('CANCELED');
      const said = first(other.items.get(uid)?.data, '00741002');
      expect(first(said, '0074100E')?.['00080100']?.Value).toEqual(['110523']);
    }
    expect(await resultsOf(study)).toEqual([]);
  });
});

it('no request of all these was one that the worklist could not understand', () => {
  expect(worklist.heard.filter(({ status }) => status === 500)).toEqual([]);
});
