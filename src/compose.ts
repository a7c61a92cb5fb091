import { EventEmitter, once } from 'node:events';
import type { Logger } from 'pino';
import { composeAccess } from './compose/access.ts';
import { composeArchiveClient, composeEmbeddedArchive } from './compose/archive.ts';
import { openConfiguredDatabase } from './compose/database.ts';
import { openDoors } from './compose/doors.ts';
import { composeHttp } from './compose/http.ts';
import { createLogger } from './compose/logger.ts';
import { composeObservation } from './compose/observation.ts';
import { composeRun } from './compose/run.ts';
import { composeWatcher } from './compose/watch.ts';
import type { Config } from './config.ts';
import type { DicomWebClient } from './dicom/web/client.ts';
import { newOwnToken } from './http/security/local-access.ts';
import type { Database } from './pipeline/database/sql.ts';
import { StudyQueue } from './pipeline/queue/queue.ts';
import { requestStudy } from './pipeline/queue/request-study.ts';
import { workOnStudies } from './pipeline/queue/study-worker.ts';
import { latestStudies, type StudyDetails, studyDetails } from './pipeline/records/study-details.ts';
import type { RunParts } from './pipeline/run/run-parts.ts';
import type { ProgressListener } from './pipeline/run/stages.ts';
import { runStudy } from './pipeline/run-study.ts';
import { isChosen } from './pipeline/selection/choose-series.ts';
import type { Watcher } from './pipeline/watch/watch.ts';
import { startWatching } from './pipeline/watch/watch-schedule.ts';

export interface NodeOptions {
  readonly logger?: Logger;
  readonly onProgress?: ProgressListener;
}

/** The whole node in this process. */
export interface PansegnetNode {
  /** Where its pages and API are. */
  readonly url: string;
  readonly archive: DicomWebClient;
  readonly database: Database;
  readonly watcher: Watcher;
  studyDetails(studyInstanceUid: string): Promise<StudyDetails | undefined>;
  /** Resolves when the work on the study next ends, however it ends. */
  studyEnded(studyInstanceUid: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the node: its pages, its archive where that is embedded, the queue, and the watch. */
export async function startNode(config: Config, options: NodeOptions = {}): Promise<PansegnetNode> {
  const logger = options.logger ?? createLogger(config);
  const now = () => new Date();
  const database = await openConfiguredDatabase(config);
  const queue = await StudyQueue.open(database, {
    retryLimit: config.queue.retries,
    onError: (err) => logger.error({ err }, 'the queue has trouble with its database'),
  });
  const embedded =
    config.archive.kind === 'embedded' ? await composeEmbeddedArchive(config, logger) : undefined;
  const { readiness, metrics } = composeObservation(config, {
    database,
    archive: () => archive,
    models: () => run.models,
    spoolBytes: async () => 0,
    logger,
  });
  const ownToken = newOwnToken();
  const app = composeHttp(config, {
    archive: embedded?.router,
    studies: {
      list: (page) => latestStudies(database, page),
      find: (uid) => studyDetails(database, uid),
      process: async (studyInstanceUid) => {
        await requestStudy({ database, queue }, { studyInstanceUid, reason: 'requested', now: now() });
      },
    },
    readiness,
    metrics: metrics.registry,
    logger,
    access: await composeAccess(config, { ownToken, logger, now }),
  });
  const doors = await openDoors(config, { app, ownToken, logger });
  const archive = composeArchiveClient(config, doors.own, (answer) => metrics.archiveAnswered(answer));
  const warn = (fields: object, message: string) => logger.warn(fields, message);
  const run: RunParts = {
    ...(await composeRun(config, { archive, database, warn }, options.onProgress)),
    onStageEnd: (end) => metrics.stageEnded(end),
  };

  const ends = new EventEmitter();
  workOnStudies({
    database,
    queue,
    concurrency: config.queue.concurrency,
    now,
    log: logger,
    run: async (job, signal) => {
      const { decisions, volumes } = await runStudy(job, run, signal);
      metrics.studyEnded(decisions.some(isChosen) ? 'done' : 'skipped', volumes);
      logger.info({ studyInstanceUid: job.studyInstanceUid, results: volumes.length }, 'study processed');
    },
    ended: (studyInstanceUid) => void ends.emit(studyInstanceUid),
    onFailure: (failure, again) => metrics.attemptFailed(failure, again),
  });
  const watcher = composeWatcher(config, { archive, database, queue, logger });
  const watch = startWatching(config.watch.schedule, watcher, logger);
  logger.info({ url: doors.url, archive: archive.url }, 'the node is running');

  return {
    url: doors.url,
    archive,
    database,
    watcher,
    studyDetails: (uid) => studyDetails(database, uid),
    studyEnded: async (studyInstanceUid) => void (await once(ends, studyInstanceUid)),
    stop: async () => {
      readiness.stop();
      await watch.stop();
      await queue.stop({ graceMs: config.shutdown.graceSeconds * 1000 });
      await doors.close();
      await embedded?.close();
      await database.close();
      logger.info('the node has stopped');
    },
  };
}
