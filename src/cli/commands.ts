import { randomUUID } from 'node:crypto';
import { stringify } from 'yaml';
import { composeArchiveClient } from '../compose/archive.ts';
import { openConfiguredDatabase } from '../compose/database.ts';
import { createLogger } from '../compose/logger.ts';
import type { NodeRole } from '../compose/role.ts';
import { composeRun } from '../compose/run.ts';
import { startNode } from '../compose.ts';
import { ConfigError, loadConfig, masked } from '../config.ts';
import { runStudy } from '../pipeline/run-study.ts';
import type { SegmentedClass } from '../pipeline/selection/rules.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';
import { reportError } from './report-error.ts';
import { stopInTime, stopSignal } from './stop-signal.ts';

export async function serve(options: { config?: string; role: NodeRole }): Promise<void> {
  const config = loadConfig({ file: options.config });
  // What the start has opened would keep the process alive; what it has written is found as after a kill.
  const node = await startNode(config, { role: options.role }).catch((error: unknown) =>
    process.exit(reportError(error)),
  );
  await stopSignal();
  await stopInTime(() => node.stop(), config.shutdown.graceSeconds * 1000);
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
  const database = await openConfiguredDatabase(config);
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
    const { decisions, volumes, skipped } = await runStudy(job, run, undefined, forced);
    if (skipped) print(`skipped: ${skipped}`);
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
