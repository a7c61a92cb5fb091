import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { stringify } from 'yaml';
import { composeArchiveClient } from '../compose/archive.ts';
import { createLogger } from '../compose/logger.ts';
import { composeRun } from '../compose/run.ts';
import { startNode } from '../compose.ts';
import { ConfigError, loadConfig, masked } from '../config.ts';
import { openDatabase } from '../pipeline/database/database.ts';
import { runStudy } from '../pipeline/run-study.ts';
import type { SegmentedClass } from '../pipeline/selection/rules.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';

export async function serve(options: { config?: string }): Promise<void> {
  const config = loadConfig({ file: options.config });
  const node = await startNode(config);
  await stopSignal();
  await node.stop();
}

/** Resolves when the process is asked to stop: Ctrl-C, or a service manager. */
export async function stopSignal(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

interface ProcessOptions {
  study: string;
  series?: string;
  class?: SegmentedClass;
  config?: string;
}

export async function processStudy(options: ProcessOptions): Promise<void> {
  const config = loadConfig({ file: options.config });
  if (config.archive.kind === 'embedded') {
    throw new ConfigError(
      'process: archive.kind is embedded; name the archive to fetch from (archive.kind, archive.url)',
    );
  }
  const logger = createLogger(config);
  const database = await openDatabase({ folder: config.database.folder });
  const progress = createProgressDisplay();
  try {
    const warn = (fields: object, message: string) => logger.warn(fields, message);
    const run = await composeRun(
      config,
      { archive: composeArchiveClient(config), database, warn },
      progress.listener,
    );
    const job = { studyInstanceUid: options.study, requestId: randomUUID() };
    const forced = options.series ? { seriesInstanceUid: options.series, class: options.class } : undefined;
    const { decisions, volumes } = await runStudy(job, run, undefined, forced);
    for (const { chosen, description, reason } of decisions) {
      print(`${chosen ? 'taken' : 'left'}: "${description}": ${reason}`);
    }
    for (const { class: modality, volumeMl } of volumes)
      print(`pancreas ${volumeMl.toFixed(1)} ml (${modality})`);
  } finally {
    progress.stop();
    await database.close();
  }
}

export function checkConfig(file: string): void {
  print(stringify(masked(loadConfig({ file }))));
}
