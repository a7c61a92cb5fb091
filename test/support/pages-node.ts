import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { SMALL_SERIES_RULES } from './small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from './tiny-onnx.ts';

const PATCH_SIZE: [number, number, number] = [4, 8, 8];
/** A schedule whose turn does not come: tests ask for the work themselves. */
const NEVER = '0 0 0 29 2 *';

export interface PagesNode {
  /** As it runs now. */
  readonly node: PansegnetNode;
  /** Stops the node and starts it again on the same data. */
  restart(): Promise<void>;
  /** Puts instances into the node's archive. */
  store(instances: readonly Uint8Array[]): Promise<void>;
  /** Asks for a study to be processed, as the pages' button does, and waits for the end of it. */
  process(studyInstanceUid: string, token?: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The whole node with an embedded archive and the smallest models, for tests of what people see.
 * @param sections replace sections of the configuration
 */
export async function startPagesNode(
  sections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Promise<PagesNode> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pages-node-'));
  const network = { 'fold_0.onnx': signNetwork(PATCH_SIZE) };
  await writeModel(folder, { ...SIGN_MODEL, patchSize: PATCH_SIZE, name: 'small-ct' }, network);
  const config = loadConfig({
    environment: {},
    overrides: {
      archive: { kind: 'embedded', folder: path.join(folder, 'archive') },
      database: { folder: path.join(folder, 'database') },
      audit: { folder: path.join(folder, 'audit') },
      intake: { spoolFolder: path.join(folder, 'spool') },
      watch: { schedule: NEVER },
      selection: { siteRules: SMALL_SERIES_RULES },
      models: { folder, CT: 'small-ct' },
      inference: { threads: 1 },
      queue: { retries: 0 },
      http: { port: 0 },
      log: { level: 'fatal' },
      ...sections,
    },
  });
  let node = await startNode(config);
  return {
    get node() {
      return node;
    },
    restart: async () => {
      await node.stop();
      node = await startNode(config);
    },
    store: async (instances) => void (await node.archive.storeVerified(undefined, instances)),
    process: async (studyInstanceUid, token) => {
      const ended = node.studyEnded(studyInstanceUid);
      const response = await fetch(`${node.url}/api/studies/${studyInstanceUid}/process`, {
        method: 'POST',
        ...(token ? { headers: { Authorization: `Bearer ${token}` } } : {}),
      });
      if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
      await ended;
    },
    stop: async () => {
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
