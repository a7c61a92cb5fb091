import { EventEmitter, once } from 'node:events';
import type { Logger } from 'pino';
import { composeArchiveClient, composeEmbeddedArchive } from './compose/archive.ts';
import { createLogger } from './compose/logger.ts';
import { composeRun } from './compose/run.ts';
import type { Config } from './config.ts';
import { isOwnResult } from './dicom/own-results.ts';
import type { DicomWebClient } from './dicom/web/client.ts';
import { createApp, listen } from './http/server.ts';
import { openDatabase } from './pipeline/database/database.ts';
import type { Database } from './pipeline/database/sql.ts';
import { StudyQueue } from './pipeline/queue/queue.ts';
import { requestStudy } from './pipeline/queue/request-study.ts';
import { workOnStudies } from './pipeline/queue/study-worker.ts';
import { latestStudies, type StudyDetails, studyDetails } from './pipeline/records/study-details.ts';
import type { ProgressListener } from './pipeline/run/stages.ts';
import { runStudy } from './pipeline/run-study.ts';
import { createWatcher, type Watcher } from './pipeline/watch/watch.ts';
import { startWatching } from './pipeline/watch/watch-schedule.ts';

/** How long a stopping node lets the study in its hands go on before it puts it back in the queue. */
const STOP_GRACE_MS = 10_000;

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
  const database = await openDatabase({ folder: config.database.folder });
  const queue = await StudyQueue.open(database, {
    retryLimit: config.queue.retries,
    onError: (err) => logger.error({ err }, 'the queue has trouble with its database'),
  });
  const embedded =
    config.archive.kind === 'embedded' ? await composeEmbeddedArchive(config, logger) : undefined;
  const server = await listen(
    createApp({
      archive: embedded?.router,
      studies: {
        list: (page) => latestStudies(database, page),
        find: (uid) => studyDetails(database, uid),
        process: async (studyInstanceUid) => {
          await requestStudy({ database, queue }, { studyInstanceUid, reason: 'requested', now: now() });
        },
      },
      ready: () => checkReady(database, archive),
      onError: (err) => logger.error({ err }, 'a request failed'),
    }),
    config.http.host,
    config.http.port,
  );
  const archive = composeArchiveClient(config, server.url);
  const warn = (fields: object, message: string) => logger.warn(fields, message);
  const run = await composeRun(config, { archive, database, warn }, options.onProgress);

  const ends = new EventEmitter();
  await workOnStudies({
    database,
    queue,
    concurrency: config.queue.concurrency,
    now,
    log: logger,
    run: async (job, signal) => {
      const { volumes } = await runStudy(job, run, signal);
      logger.info({ studyInstanceUid: job.studyInstanceUid, results: volumes.length }, 'study processed');
    },
    ended: (studyInstanceUid) => void ends.emit(studyInstanceUid),
  });
  const watcher = createWatcher({
    archive,
    database,
    queue,
    isOwnResult,
    lookBack: config.watch.lookBack,
    stableForMs: config.watch.stableForSeconds * 1000,
    pageSize: config.watch.pageSize,
    now,
  });
  const watch = startWatching(config.watch.schedule, (signal) => watcher.poll(signal), logger);
  logger.info({ url: server.url, archive: archive.url }, 'the node is running');

  return {
    url: server.url,
    archive,
    database,
    watcher,
    studyDetails: (uid) => studyDetails(database, uid),
    studyEnded: async (studyInstanceUid) => void (await once(ends, studyInstanceUid)),
    stop: async () => {
      await watch.stop();
      await queue.stop({ graceMs: STOP_GRACE_MS });
      await server.close();
      await embedded?.close();
      await database.close();
      logger.info('the node has stopped');
    },
  };
}

async function checkReady(database: Database, archive: DicomWebClient): Promise<void> {
  await database.query('SELECT 1');
  // One study of today is enough to see that the archive answers.
  for await (const _study of archive.searchStudies({ lookBack: 0, now: new Date(), pageSize: 1 })) break;
}
