import type { Router } from 'express';
import type { Logger } from 'pino';
import { createAdmission } from '../arrivals/routing/admission.ts';
import { createWatcher, type Watcher } from '../arrivals/watch/watch.ts';
import type { Config } from '../config.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { OrthancChanges } from '../dicom/web/orthanc-changes.ts';
import { notifyRoutes } from '../http/notify.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import { isOwnResult } from '../results/own-results.ts';
import { announceStudy } from '../store/arrivals/announcements.ts';
import type { Database } from '../store/database/sql.ts';
import { archiveOptions } from './archive.ts';

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
    admit: createAdmission({ database, rules: config.routing.rules, archive }),
    changes: composeChanges(config),
    lookBack: config.watch.lookBack,
    stableForMs: config.watch.stableForSeconds * 1000,
    pageSize: config.watch.pageSize,
    now: () => new Date(),
    log: logger,
  });
}

/** Orthanc's own REST interface is where its DICOMweb root is taken off, unless the site names it. */
export function composeChanges(config: Config): OrthancChanges | undefined {
  const { kind, url, rest } = config.archive;
  if (kind !== 'orthanc' || url === null) return undefined;
  return new OrthancChanges({
    ...archiveOptions(config),
    url: rest ?? url.replace(/\/dicom-web\/?$/, ''),
    senders: config.routing.rules.some(({ when }) => when.callingAeTitle !== undefined),
  });
}

/** Where an archive tells of a study that has arrived. */
export function composeNotify({ database, now }: { database: Database; now: () => Date }): Router {
  return notifyRoutes(({ studyInstanceUid, ...sender }) =>
    announceStudy(database, { studyInstanceUid, source: { kind: 'notify', ...sender }, now: now() }),
  );
}
