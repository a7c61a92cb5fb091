import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type NodeOptions, type PansegnetNode, startNode } from '../../src/compose.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { writeSmallModels } from './small-models.ts';
import { SMALL_SERIES_RULES } from './small-series.ts';
import { testLog } from './test-log.ts';
import type { Json } from './worklist-server.ts';

/** A schedule whose turn does not come: tests poll themselves. */
const NEVER = '0 0 0 29 2 *';
export const STATION = 'PANSEGNET';

/** Configuration of a node that performs orders, with the smallest models. */
export async function orderNodeConfig(
  folder: string,
  archiveUrl: string,
  orders: Readonly<Record<string, unknown>>,
  sections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  return {
    archive: { kind: 'dicomweb', url: archiveUrl },
    database: { folder: path.join(folder, 'database') },
    intake: { spoolFolder: path.join(folder, 'spool') },
    audit: { folder: path.join(folder, 'audit') },
    watch: { schedule: NEVER, lookBack: 'all', stableForSeconds: 0 },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: await writeSmallModels(path.join(folder, 'models')),
    inference: { threads: 1 },
    queue: { retries: 2, retryDelaySeconds: 1, retryDelayMaxSeconds: 2 },
    http: { port: 0 },
    orders: { pollSeconds: 0.2, ...orders },
    log: testLog('order-node'),
    ...sections,
  };
}

export interface OrderNode {
  readonly node: () => PansegnetNode;
  /** Ends the node and starts it again on the same database. */
  readonly restart: () => Promise<void>;
  stop(): Promise<void>;
}

export async function startOrderNode(
  archiveUrl: string,
  orders: Readonly<Record<string, unknown>>,
  sections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  options: NodeOptions = {},
): Promise<OrderNode> {
  const folder = await mkdtemp(path.join(tmpdir(), 'order-node-'));
  const overrides = await orderNodeConfig(folder, archiveUrl, orders, sections);
  const config: Config = loadConfig({ environment: {}, overrides });
  let running = await startNode(config, options);
  return {
    node: () => running,
    restart: async () => {
      await running.stop();
      running = await startNode(config, options);
    },
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const code = (value: string, scheme: string, meaning: string): Json => ({
  '00080100': { vr: 'SH', Value: [value] },
  '00080102': { vr: 'SH', Value: [scheme] },
  '00080104': { vr: 'LO', Value: [meaning] },
});

/** One item of Input Information: a study, and what is named of it. */
export function inputItem(study: string, series?: string, instances: readonly string[] = []): Json {
  return {
    '0040E020': { vr: 'CS', Value: ['DICOM'] },
    '0020000D': { vr: 'UI', Value: [study] },
    ...(series === undefined ? {} : { '0020000E': { vr: 'UI', Value: [series] } }),
    ...(instances.length === 0
      ? {}
      : {
          '00081199': {
            vr: 'SQ',
            Value: instances.map((uid) => ({
              '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
              '00081155': { vr: 'UI', Value: [uid] },
            })),
          },
        }),
  };
}

/** A workitem as an order placer makes it: for this station, ready, to be done now. */
export function workitem(input: readonly unknown[], more: Json = {}): Json {
  return {
    '00404005': { vr: 'DT', Value: ['20260101000000'] },
    '00404041': { vr: 'CS', Value: ['READY'] },
    '00741200': { vr: 'CS', Value: ['MEDIUM'] },
    '00741204': { vr: 'LO', Value: ['Pancreas'] },
    '00404018': { vr: 'SQ', Value: [code('110001', 'DCM', 'Image Processing')] },
    '00404025': { vr: 'SQ', Value: [code(STATION, '99PANSEGNET', 'pansegnet-node')] },
    '00404021': { vr: 'SQ', Value: [...input] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
    '00100020': { vr: 'LO', Value: ['P-1'] },
    '0040A370': {
      vr: 'SQ',
      Value: [
        {
          '00080050': { vr: 'SH', Value: ['ACC-7'] },
          '00401001': { vr: 'SH', Value: ['RP-7'] },
        },
      ],
    },
    ...more,
  };
}
