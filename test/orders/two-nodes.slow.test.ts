import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { inputItem, type OrderNode, startOrderNode, workitem } from '../support/order-node.ts';
import { PATIENCE } from '../support/patience.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import { startWorklist, type WorklistServer } from '../support/worklist-server.ts';

const STUDIES = Array.from({ length: 50 }, (_, place) => `1.2.826.0.1.23.${place + 1}`);
const uidOf = (study: string): string => `${study}.77`;

let archive: RunningArchive;
let worklist: WorklistServer;
let nodes: OrderNode[] = [];

beforeAll(async () => {
  [archive, worklist] = await Promise.all([startEmbeddedArchive(), startWorklist()]);
  const orders = { worklist: { url: worklist.url } };
  // A node looks at its archive when it starts: what it finds there it would process without an order.
  nodes = await Promise.all([startOrderNode(archive.url, orders), startOrderNode(archive.url, orders)]);
  const client = new DicomWebClient({ url: archive.url });
  for (const study of STUDIES) await client.storeVerified(study, smallCtSeries(study, { PatientID: study }));
  for (const study of STUDIES) worklist.place(uidOf(study), workitem([inputItem(study)]));
});
afterAll(async () => {
  await Promise.all(nodes.map((one) => one.stop()));
  await worklist?.stop();
  await archive?.stop();
});

it('two nodes share one worklist: none of 50 orders is done twice, and none is left', async () => {
  const states = () => [...worklist.items.values()].map((item) => item.states.join(', '));
  await vi.waitFor(
    () => expect(new Set(states())).toEqual(new Set(['SCHEDULED, IN PROGRESS, COMPLETED'])),
    PATIENCE,
  );
  const processed: string[][] = [];
  for (const one of nodes) {
    const rows = await one.node().database.query('SELECT study_instance_uid AS study FROM pansegnet.run');
    processed.push(rows.map(({ study }) => String(study)));
  }
  expect(processed.flat().toSorted()).toEqual(STUDIES.toSorted());
  // Both had their share: else nothing was raced for.
  expect(Math.min(...processed.map(({ length }) => length))).toBeGreaterThan(5);
  const { segmentations, reports } = await storedResults(new DicomWebClient({ url: archive.url }), STUDIES);
  for (const study of STUDIES) {
    const stored = [...(segmentations.get(study) ?? []), ...(reports.get(study) ?? [])].toSorted();
    expect(worklist.output(uidOf(study))).toEqual(stored);
    expect(stored).toHaveLength(2);
  }
  expect(worklist.heard.filter(({ status }) => status >= 500)).toEqual([]);
});
