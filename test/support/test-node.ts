import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { DEMO_MODEL_NAMES } from '../../src/demo/demo-models.ts';
import { DEMO_MODELS } from './demo-models.ts';
import { testLog } from './test-log.ts';

/** A schedule whose turn does not come: tests poll themselves. */
const NEVER = '0 0 0 29 2 *';

export interface TestNode {
  /** The node as it runs now. */
  node(): PansegnetNode;
  /** Stops the node and starts it again on the same database. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A node on an archive, with a database folder of its own and the demo's models. It polls when the test says
 * so, and a study is complete at the second look.
 * @param sections replace sections of the configuration
 */
export async function startTestNode(
  archiveUrl: string,
  sections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Promise<TestNode> {
  const folder = await mkdtemp(path.join(tmpdir(), 'test-node-'));
  const config = loadConfig({
    environment: {},
    overrides: {
      archive: { kind: 'dicomweb', url: archiveUrl },
      database: { folder: path.join(folder, 'database') },
      watch: { schedule: NEVER, lookBack: 'all', stableForSeconds: 0 },
      models: { folder: DEMO_MODELS, ...DEMO_MODEL_NAMES },
      queue: { retries: 0 },
      health: { cacheSeconds: 0 },
      http: { port: 0 },
      audit: { folder: path.join(folder, 'audit') },
      log: testLog('test-node'),
      ...sections,
      intake: { spoolFolder: path.join(folder, 'spool'), ...sections['intake'] },
    },
  });
  let running = await startNode(config);
  return {
    node: () => running,
    restart: async () => {
      await running.stop();
      running = await startNode(config);
    },
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
