import { EventEmitter, once } from 'node:events';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Watcher } from './arrivals/watch/watch.ts';
import { startWatching } from './arrivals/watch/watch-schedule.ts';
import { composeAccess } from './compose/access.ts';
import { composeArchiveClient, composeEmbeddedArchive } from './compose/archive.ts';
import { composeAudit } from './compose/audit.ts';
import { commandRoutes } from './compose/commands/command-routes.ts';
import { openConfiguredDatabase } from './compose/database.ts';
import { openDoors } from './compose/doors.ts';
import { composeHttp } from './compose/http.ts';
import { composeIntake } from './compose/intake.ts';
import { createLogger } from './compose/logger.ts';
import { startNotifications } from './compose/notifications.ts';
import { composeObservation } from './compose/observation.ts';
import { composePages } from './compose/pages.ts';
import { openQueue } from './compose/queue.ts';
import { checkRole, type NodeRole } from './compose/role.ts';
import { composeRun } from './compose/run.ts';
import { startFindings } from './compose/start-checks.ts';
import { composeNotify, composeWatcher } from './compose/watch.ts';
import { startWork } from './compose/work.ts';
import type { Config } from './config.ts';
import type { DicomWebClient } from './dicom/web/client.ts';
import { newOwnToken } from './http/security/local-access.ts';
import type { RunParts } from './pipeline/run/run-parts.ts';
import type { ProgressListener } from './pipeline/run/stages.ts';
import { announceStudy } from './store/arrivals/announcements.ts';
import type { Database } from './store/database/sql.ts';
import { findStudyListing, type StudyListing } from './store/records/find-studies.ts';

export interface NodeOptions {
  /** Default: all. */
  readonly role?: NodeRole;
  readonly logger?: Logger;
  readonly onProgress?: ProgressListener;
  /** Served beside the pages, where they have nothing at an address. */
  readonly viewer?: RequestHandler;
}

/** The node, or the part of it that runs in this process. */
export interface PansegnetNode {
  /** Where its pages and API are. */
  readonly url: string;
  readonly archive: DicomWebClient;
  readonly database: Database;
  readonly watcher: Watcher;
  studyDetails(studyInstanceUid: string): Promise<StudyListing | undefined>;
  /** Resolves when the work on the study next ends, however it ends. */
  studyEnded(studyInstanceUid: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the node, or the part of it that its role says: its pages, its archive where that is embedded, the queue, and the
 * watch.
 * @throws ConfigError where the configuration has no room for the role
 */
export async function startNode(config: Config, options: NodeOptions = {}): Promise<PansegnetNode> {
  const { role = 'all' } = options;
  checkRole(role, config);
  const isGateway = role !== 'worker';
  const logger = options.logger ?? createLogger(config, { keepsKey: true });
  const now = () => new Date();
  const audit = composeAudit(config, { logger, now, archive: () => archive.url });
  const database = await openConfiguredDatabase(config);
  const queue = await openQueue(config, database, logger);
  const embedded =
    config.archive.kind === 'embedded'
      ? await composeEmbeddedArchive(config, logger, (studyInstanceUid) =>
          announceStudy(database, { studyInstanceUid, source: { kind: 'stow' }, now: now() }),
        )
      : undefined;
  const intake = isGateway ? await composeIntake(config, { database, logger, now, audit }) : undefined;
  const { readiness, metrics } = composeObservation(config, {
    database,
    archive: () => archive,
    models: () => (role === 'gateway' ? undefined : run.models),
    spoolBytes: async () => intake?.figures().bytes ?? 0,
    logger,
  });
  const pages = composePages(config, {
    database,
    queue,
    archive: () => archive,
    models: () => run.models,
    readiness,
    now,
    logger,
  });
  const ownToken = newOwnToken();
  const app = composeHttp(config, {
    role,
    archive: embedded?.router,
    receive: intake?.router,
    notify: isGateway ? composeNotify({ database, now }) : undefined,
    pages,
    viewer: options.viewer,
    commands: commandRoutes({
      config,
      database,
      archive: async () => archive,
      queue: async () => queue,
      warn: (fields, message) => logger.warn(fields, message),
    }),
    readiness,
    metrics: metrics.registry,
    logger,
    access: await composeAccess(config, { ownToken, logger, now, onSession: audit.session }),
    audit: audit.requests,
  });
  const doors = await openDoors(config, { app, ownToken, logger });
  const archive = composeArchiveClient(config, doors.own, (answer) => metrics.archiveAnswered(answer));
  const warn = (fields: object, message: string) => logger.warn(fields, message);
  const run: RunParts = {
    ...(await composeRun(config, { archive, database, warn }, options.onProgress)),
    onStageEnd: (end) => metrics.stageEnded(end),
  };

  const ends = new EventEmitter();
  ends.setMaxListeners(0); // anybody may wait for any number of studies
  const ended = (studyInstanceUid: string) => void ends.emit(studyInstanceUid);
  if (role !== 'gateway') startWork(config, { database, queue, run, metrics, audit, logger, ended });
  const watcher = composeWatcher(config, { archive, database, queue, logger });
  const watch = isGateway ? startWatching(config.watch.schedule, watcher, logger) : undefined;
  for (const { check, what, why, todo } of await startFindings(config)) {
    logger.warn({ check, why, todo }, what);
  }
  await intake?.start(archive);
  const notifications = isGateway ? startNotifications(config, { database, logger, now }) : undefined;
  audit.started();
  logger.info({ role, url: doors.url, archive: archive.url }, 'the node is running');

  return {
    url: doors.url,
    archive,
    database,
    watcher,
    studyDetails: (uid) => findStudyListing(database, uid),
    studyEnded: async (studyInstanceUid) => void (await once(ends, studyInstanceUid)),
    stop: async () => {
      readiness.stop();
      await intake?.refuse();
      await watch?.stop();
      await queue.stop({ graceMs: config.shutdown.graceSeconds * 1000 });
      await notifications?.stop();
      await pages.events.stop();
      await doors.close();
      await intake?.stop();
      await embedded?.close();
      await database.close();
      audit.stopped();
      logger.info('the node has stopped');
    },
  };
}
