import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import type { ApiParts } from '../http/api/api-parts.ts';
import { ImageCache } from '../http/images/image-cache.ts';
import { loadImages } from '../http/images/load-images.ts';
import type { Readiness } from '../metrics/readiness.ts';
import { modelNotices, modelsInUse } from '../pipeline/run/models.ts';
import { withdrawResult } from '../pipeline/withdraw/withdraw-result.ts';
import { requestStudy } from '../queue/request-study.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';
import { StudyEvents } from '../store/events/study-events.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import { nodeHealth } from './health-summary.ts';
import { composeModelPages } from './model-pages.ts';
import type { ModelsInUse } from './models.ts';
import { installedSite, meaningSettings } from './run.ts';

const BYTES_PER_MB = 1_000_000;

export interface PagesInput {
  readonly database: Database;
  readonly queue: StudyQueue;
  readonly archive: ImageArchive;
  readonly inUse: ModelsInUse;
  readonly readiness: Readiness;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** What pages and API show, and what they do. */
export function composePages(config: Config, input: PagesInput): ApiParts {
  const { database, queue, archive, inUse, readiness, now, logger } = input;
  const cache = new ImageCache(
    (result) => loadImages(archive, result),
    config.pages.imageCacheMegabytes * BYTES_PER_MB,
  );
  const { repeatabilityPercent, counts, contentQualification } = config.results;
  const { viewerUrl, referenceRange, rejectionNotes, cohortPatient } = config.pages;
  return {
    database,
    basePath: config.http.basePath,
    now,
    events: new StudyEvents(database, {
      now,
      onError: (err) => logger.error({ err }, 'what happens to studies cannot be read for those who listen'),
    }),
    meaning: meaningSettings(config),
    trends: { correctedCounts: counts === 'reader', repeatabilityPercent },
    pages: {
      viewerUrl,
      referenceRange,
      cohortPatient,
      researchOnly: contentQualification === 'RESEARCH',
      version: SOFTWARE_VERSION,
    },
    process: async (studyInstanceUid) => {
      await requestStudy({ database, queue }, { studyInstanceUid, reason: 'requested', now: now() });
    },
    dead: { list: (page) => queue.dead(page), drop: (uid) => queue.drop(uid) },
    images: (result) => cache.imagesOf(result),
    forgetImages: (reports) => cache.forget(reports),
    instance: (study, { seriesInstanceUid, sopInstanceUid }) =>
      archive.retrieveInstance(study, seriesInstanceUid, sopInstanceUid),
    withdraw: rejectionNotes
      ? async ({ report }, comment) => {
          const request = {
            uid: report.sopInstanceUid,
            reason: 'quality',
            comment: comment || undefined,
          } as const;
          await withdrawResult(request, {
            archive,
            database,
            softwareVersion: SOFTWARE_VERSION,
            site: await installedSite(config, database),
            now,
          });
        }
      : undefined,
    modelHashesInUse: async () => modelsInUse(await inUse.refresh()),
    modelNotice: async ({ sha256 }) => (await modelNotices(await inUse.refresh())).get(sha256),
    ...composeModelPages(config, database),
    health: nodeHealth(config, { database, queue, readiness, models: inUse.names, now }),
    tries: (studyInstanceUids) => queue.tries(studyInstanceUids),
  };
}
