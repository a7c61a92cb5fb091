import { EventEmitter, once } from 'node:events';
import express from 'express';
import { destination, type Logger, pino } from 'pino';
import { createEmbeddedArchive, EMBEDDED_ARCHIVE_NOTICE } from './archive/embedded-archive.ts';
import type { Config } from './config.ts';
import { isOwnResult } from './dicom/own-results.ts';
import { DicomWebClient } from './dicom/web/client.ts';
import { createApp, listen } from './http/server.ts';
import { openDatabase } from './pipeline/database/database.ts';
import type { Database } from './pipeline/database/sql.ts';
import { StudyQueue } from './pipeline/queue/queue.ts';
import { requestStudy } from './pipeline/queue/request-study.ts';
import { workOnStudies } from './pipeline/queue/study-worker.ts';
import { patientKeys } from './pipeline/records/patient-key.ts';
import { latestStudies, type StudyDetails, studyDetails } from './pipeline/records/study-details.ts';
import { configuredModels } from './pipeline/run/models.ts';
import type { ResultSettings, RunParts } from './pipeline/run/run-parts.ts';
import type { ProgressListener } from './pipeline/run/stages.ts';
import { runStudy } from './pipeline/run-study.ts';
import { readSelectionRules } from './pipeline/selection/rules.ts';
import { createWatcher, type Watcher } from './pipeline/watch/watch.ts';
import { startWatching } from './pipeline/watch/watch-schedule.ts';
import type { InferenceOptions } from './segmentation/segment.ts';
import { SOFTWARE_VERSION } from './version.ts';

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

/** Where the log goes; stdout belongs to what commands print. */
const STDERR = 2;

export function createLogger(config: Config): Logger {
  return pino({ name: 'pansegnet-node', level: config.log.level }, destination(STDERR));
}

export function resultSettings(config: Config): ResultSettings {
  const { contentQualification, segmentation, repeatabilityPercent, counts, keyImages, pdf } = config.results;
  return {
    contentQualification,
    segmentation: [segmentation].flat(),
    correctedCounts: counts === 'reader',
    repeatabilityPercent,
    pictures: { keyImages, pdf },
    softwareVersion: SOFTWARE_VERSION,
  };
}

export function inferenceOptions(
  { inference: { threads, executionProviders } }: Config,
  onWarning: (message: string) => void,
): InferenceOptions {
  return { threads: threads || undefined, executionProviders, onWarning };
}

/** What the main path needs, from the configuration. */
export async function composeRun(
  config: Config,
  parts: Pick<RunParts, 'archive' | 'database' | 'warn'>,
  onProgress?: ProgressListener,
): Promise<RunParts> {
  return {
    ...parts,
    rules: readSelectionRules(config.selection.rules, config.selection.siteRules),
    models: configuredModels(config.models, config.models.folder),
    patientKey: await patientKeys(parts.database),
    settings: resultSettings(config),
    inference: inferenceOptions(config, (message) => parts.warn({}, message)),
    now: () => new Date(),
    ...(onProgress ? { onProgress } : {}),
  };
}

/** @param ownUrl the node's own address, where the embedded archive is */
export function composeArchiveClient({ archive }: Config, ownUrl?: string): DicomWebClient {
  const { url, user, password, token, timeoutSeconds } = archive;
  const basic =
    user === null ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  const authorization = token === null ? basic : `Bearer ${token}`;
  return new DicomWebClient({
    url: archive.kind === 'embedded' ? `${ownUrl}/dicom-web` : (url ?? ''),
    timeoutMs: timeoutSeconds * 1000,
    ...(authorization ? { headers: { Authorization: authorization } } : {}),
  });
}

/** An archive for a command that runs without a node: the configured one, or the embedded one for as long. */
export async function openArchive(
  config: Config,
  logger: Logger,
): Promise<{ client: DicomWebClient; close(): Promise<void> }> {
  if (config.archive.kind !== 'embedded')
    return { client: composeArchiveClient(config), close: async () => {} };
  const embedded = await composeEmbeddedArchive(config, logger);
  const server = await listen(express().use('/dicom-web', embedded.router), config.http.host, 0);
  return {
    client: composeArchiveClient(config, server.url),
    close: async () => {
      await server.close();
      await embedded.close();
    },
  };
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

async function composeEmbeddedArchive(config: Config, logger: Logger) {
  logger.info(EMBEDDED_ARCHIVE_NOTICE);
  return createEmbeddedArchive({
    folder: config.archive.folder,
    onProblem: (message, err) => logger.warn({ err }, message),
  });
}

async function checkReady(database: Database, archive: DicomWebClient): Promise<void> {
  await database.query('SELECT 1');
  // One study of today is enough to see that the archive answers.
  for await (const _study of archive.searchStudies({ lookBack: 0, now: new Date(), pageSize: 1 })) break;
}
