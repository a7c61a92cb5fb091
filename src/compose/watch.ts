import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { isOwnResult } from '../dicom/own-results.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import type { Database } from '../pipeline/database/sql.ts';
import type { StudyQueue } from '../pipeline/queue/queue.ts';
import { createWatcher, type Watcher } from '../pipeline/watch/watch.ts';

interface WatchedParts {
  readonly archive: DicomWebClient;
  readonly database: Database;
  readonly queue: StudyQueue;
  readonly logger: Logger;
}

/** What looks for studies and at them, from the configuration. */
export function composeWatcher(config: Config, { archive, database, queue, logger }: WatchedParts): Watcher {
  return createWatcher({
    archive,
    database,
    queue,
    isOwnResult,
    admit: async () => ({ action: 'process' }),
    lookBack: config.watch.lookBack,
    stableForMs: config.watch.stableForSeconds * 1000,
    pageSize: config.watch.pageSize,
    now: () => new Date(),
    log: logger,
  });
}
