import type { Router } from 'express';
import type { Logger } from 'pino';
import { createAdmission } from '../arrivals/routing/admission.ts';
import type { EarlierSearchesParts } from '../arrivals/watch/earlier-searches.ts';
import { type IdentityWatch, watchIdentities } from '../arrivals/watch/identity.ts';
import { createWatcher, type Watcher } from '../arrivals/watch/watch.ts';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import { OrthancChanges } from '../dicom/web/orthanc-changes.ts';
import { notifyRoutes } from '../http/notify.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import { isOwnResult } from '../results/own-results.ts';
import { announceStudy } from '../store/arrivals/announcements.ts';
import type { Database } from '../store/database/sql.ts';
import { patientKeys } from '../store/records/patient-key.ts';
import { headerRecorder } from '../store/records/study-header.ts';
import { identityReader } from '../store/records/study-identity.ts';
import { archiveOptions } from './archive.ts';
import { recordPoll } from './node-figures.ts';

interface WatchedParts {
  readonly archive: ImageArchive;
  readonly database: Database;
  readonly queue: StudyQueue;
  readonly logger: Logger;
}

/** What notices that the archive says another patient of a study. */
export async function composeIdentityWatch(
  config: Config,
  { archive, database, queue, logger }: WatchedParts,
): Promise<IdentityWatch> {
  const { placeholderIds } = config.patients;
  return watchIdentities({
    archive,
    database,
    queue,
    identities: await identityReader(database, placeholderIds),
    patientKey: await patientKeys(database, placeholderIds),
    recordHeader: await headerRecorder(database, { names: config.pages.patientNames, placeholderIds }),
    log: logger,
  });
}

/** What looks for studies and at them, from the configuration. */
export function composeWatcher(
  config: Config,
  { archive, database, queue, logger, identity }: WatchedParts & { readonly identity: IdentityWatch },
): Watcher {
  const watcher = createWatcher({
    identity,
    archive,
    database,
    queue,
    isOwnResult,
    earlierApart: config.priors.results === 'history',
    admit: createAdmission({ database, rules: config.routing.rules, archive }),
    changes: composeChanges(config),
    lookBack: config.watch.lookBack,
    stableForMs: config.watch.stableForSeconds * 1000,
    pageSize: config.watch.pageSize,
    givenUpMs: config.retention.announcementDays * MS_PER_DAY,
    now: () => new Date(),
    log: logger,
  });
  return {
    ...watcher,
    poll: async (signal) => {
      const summary = await watcher.poll(signal);
      await recordPoll(database, new Date());
      return summary;
    },
  };
}
const MS_PER_DAY = 86_400_000;

/** What asks for the earlier studies of patients who become known; undefined where the site wants none. */
export async function composeEarlierSearches(
  config: Config,
  { archive, database, logger }: Omit<WatchedParts, 'queue'>,
): Promise<EarlierSearchesParts | undefined> {
  const { enabled, years, studies } = config.priors;
  if (!enabled) return undefined;
  const { placeholderIds } = config.patients;
  return {
    archive,
    database,
    identities: await identityReader(database, placeholderIds),
    patientKey: await patientKeys(database, placeholderIds),
    years,
    studies,
    pageSize: config.watch.pageSize,
    retries: config.queue.retries,
    now: () => new Date(),
    log: logger,
  };
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
