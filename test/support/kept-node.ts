import path from 'node:path';
import { type Config, loadConfig } from '../../src/config.ts';
import { IGNORED_SENDER, KEPT_SERIES_RULES, LATE_SENDER } from './kept-studies.ts';
import { testLog } from './test-log.ts';

/** What version 0.1.0 left behind; test/fixtures/README.md tells how it was made. */
export const VERSION_FIXTURES = path.resolve(import.meta.dirname, '../fixtures/version-0.1.0');

/** A schedule whose turn does not come: tests poll themselves. */
const NEVER = '0 0 0 29 2 *';
const HOUR_MS = 3_600_000;

/** Sections of the configuration that a test replaces, or adds. */
export type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * The configuration of the node whose database is kept, with other places: as its site would go on with a
 * later version.
 * @param folder for everything that it writes beside the database
 */
export function keptNodeConfig(archiveUrl: string, folder: string, sections: Sections = {}): Config {
  return loadConfig({
    environment: {},
    overrides: {
      archive: { kind: 'dicomweb', url: archiveUrl },
      database: { folder: path.join(folder, 'database') },
      watch: { schedule: NEVER, lookBack: 'all', stableForSeconds: 0 },
      selection: { siteRules: KEPT_SERIES_RULES },
      routing: { rules: routingRules(new Date()) },
      models: { folder: path.join(VERSION_FIXTURES, 'models'), CT: 'small-ct', T2W: 'small-t2w' },
      inference: { threads: 1 },
      queue: { retries: 0, heartbeatSeconds: 2 },
      intake: { spoolFolder: path.join(folder, 'spool') },
      audit: { folder: path.join(folder, 'audit') },
      health: { cacheSeconds: 0 },
      http: { port: 0 },
      log: testLog('kept-node'),
      ...sections,
    },
  });
}

/** Hours that have just begun: what they put off stays put off while a test runs. */
function routingRules(now: Date) {
  const time = (hours: number) => new Date(now.getTime() + hours * HOUR_MS).toISOString().slice(11, 16);
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  const hours = { days, from: time(-1), to: time(8), timeZone: 'UTC' };
  return [
    { name: 'research scanner', when: { callingAeTitle: [IGNORED_SENDER] }, action: 'ignore' },
    { name: 'at night', when: { callingAeTitle: [LATE_SENDER], hours }, action: 'later' },
  ];
}
