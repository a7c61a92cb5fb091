import { EventEmitter, once } from 'node:events';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { startEarlierSearches } from './arrivals/watch/earlier-searches.ts';
import type { Watcher } from './arrivals/watch/watch.ts';
import { startWatching } from './arrivals/watch/watch-schedule.ts';
import { composeAccess } from './compose/access.ts';
import { composeArchive, composeEmbeddedArchive } from './compose/archive.ts';
import { composeAudit } from './compose/audit.ts';
import { startCandidates } from './compose/candidates.ts';
import { dataPlaces, refuseForeignData } from './compose/data-owner.ts';
import { openConfiguredDatabase } from './compose/database.ts';
import { openDoors } from './compose/doors.ts';
import { startResultExits } from './compose/exits.ts';
import { composeHttp } from './compose/http.ts';
import { composeIntake } from './compose/intake.ts';
import { createLogger } from './compose/logger.ts';
import { checkPromotedModels, heedConfiguredModels, modelsInUse } from './compose/models.ts';
import type { CommandRoutes } from './compose/node-parts.ts';
import { startNotifications } from './compose/notifications.ts';
import { composeObservation } from './compose/observation.ts';
import { composeOrders } from './compose/orders.ts';
import { composePages } from './compose/pages.ts';
import { openEngine, openQueue } from './compose/queue.ts';
import { checkRole, type NodeRole } from './compose/role.ts';
import { composeRun } from './compose/run.ts';
import { startFindings } from './compose/start-checks.ts';
import {
  composeEarlierSearches,
  composeIdentityWatch,
  composeNotify,
  composeWatcher,
} from './compose/watch.ts';
import { startWork } from './compose/work.ts';
import type { Config } from './config.ts';
import type { ImageArchive } from './dicom/image-archive.ts';
import { newOwnToken } from './http/security/local-access.ts';
import { NodeMetrics } from './metrics/node-metrics.ts';
import type { OrderEvent } from './orders/performing.ts';
import type { ProgressListener } from './pipeline/run/stages.ts';
import { announceStudy } from './store/arrivals/announcements.ts';
import type { Database } from './store/database/sql.ts';
import { findStudyListing, type StudyListing } from './store/records/find-studies.ts';
import { applyPlaceholders } from './store/records/placeholder-keys.ts';
import { SOFTWARE_VERSION } from './version.ts';

export interface NodeOptions {
  /** Default: all. */
  readonly role?: NodeRole;
  readonly logger?: Logger;
  readonly onProgress?: ProgressListener;
  /** Served beside the pages, where they have nothing at an address. */
  readonly viewer?: RequestHandler;
  /** Commands of other processes of this machine; without these it takes none. */
  readonly commandRoutes?: CommandRoutes;
}

/** The node, or the part of it that runs in this process. */
export interface PansegnetNode {
  /** Where its pages and API are. */
  readonly url: string;
  readonly archive: ImageArchive;
  readonly database: Database;
  readonly watcher: Watcher;
  studyDetails(studyInstanceUid: string): Promise<StudyListing | undefined>;
  /** Resolves when the work on the study next ends, however it ends. */
  studyEnded(studyInstanceUid: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the node, or the part of it that its role says. The port is bound first: whoever asks before the
 * rest stands is told that the node is starting. Each part is made when all that it needs is there, and goes
 * in the reverse order; a start that fails leaves nothing open.
 * @throws ConfigError where the configuration has no room for the role; DataOwnerError where root
 *   would work on the data of another user
 */
export async function startNode(config: Config, options: NodeOptions = {}): Promise<PansegnetNode> {
  const { role = 'all' } = options;
  checkRole(role, config);
  refuseForeignData(dataPlaces(config));
  const [isGateway, isWorker] = [role !== 'worker', role !== 'gateway'];
  const logger = options.logger ?? createLogger(config, { keepsKey: true });
  const warn = (fields: object, message: string) => logger.warn(fields, message);
  const now = () => new Date();
  await using open = new AsyncDisposableStack();

  const ownToken = newOwnToken();
  const doors = open.use(await openDoors(config, { ownToken, logger }));
  const metrics = new NodeMetrics(SOFTWARE_VERSION);
  const access = composeArchive(config, {
    own: doors.own,
    answered: (answer) => metrics.archiveAnswered(answer),
    logger,
    database: () => database,
  });
  const { client: archive } = access;
  const audit = open.use(composeAudit(config, { logger, now, archiveUrl: archive.url }));
  const database = open.adopt(await openConfiguredDatabase(config), (it) => it.close());
  await applyPlaceholders(database, config.patients.placeholderIds);
  await open.adopt(access, (it) => it.close()).open();
  const engine = open.adopt(await openEngine(database, logger), (it) => it.stop());
  const embedded =
    config.archive.kind === 'embedded'
      ? await composeEmbeddedArchive(config, logger, (studyInstanceUid) =>
          announceStudy(database, { studyInstanceUid, source: { kind: 'stow' }, now: now() }),
        )
      : undefined;
  open.defer(async () => embedded?.close());
  const intake = isGateway
    ? await composeIntake(config, { archive, database, logger, now, audit })
    : undefined;
  open.defer(async () => intake?.stop());
  const queue = open.adopt(await openQueue(config, engine), (it) => it.stop({ graceMs: 0 }));

  await heedConfiguredModels(config, database, { now, warn });
  const inUse = await modelsInUse(config, database);
  const { models } = inUse;
  if (isWorker) await checkPromotedModels(inUse, { database, warn });
  const readiness = composeObservation(config, {
    database,
    archive,
    audit,
    models: isWorker ? models : undefined,
    spoolBytes: () => intake?.figures().bytes ?? 0,
    metrics,
    logger,
  });
  const pages = composePages(config, { database, queue, archive, inUse, readiness, now, logger });
  const told = (event: OrderEvent): void => {
    metrics.orderEvent(event);
    audit.orderEvent(event);
  };
  const orders = await composeOrders(config, { archive, database, queue, now, logger, told });
  const app = composeHttp(config, {
    role,
    archive: embedded?.router,
    receive: intake?.router,
    workitems: isGateway ? orders.router : undefined,
    notify: isGateway ? composeNotify({ database, now }) : undefined,
    pages,
    viewer: options.viewer,
    commands: options.commandRoutes?.({
      config,
      database,
      archive: async () => archive,
      queue: async () => queue,
      forgetImages: pages.forgetImages,
      warn,
    }),
    readiness,
    metrics: metrics.registry,
    logger,
    access: await composeAccess(config, { ownToken, logger, now, onSession: audit.session }),
    audit,
  });
  open.use(await doors.serve(app));
  open.defer(() => pages.events.stop());

  if (isGateway) {
    open.adopt(await startNotifications(config, { engine, logger, now }), (it) => it.stop());
    const exits = { engine, archive, models, logger, now, metrics, audit };
    open.adopt(await startResultExits(config, exits), (it) => it.stop());
  }
  const ends = new EventEmitter();
  ends.setMaxListeners(0); // anybody may wait for any number of studies
  if (isWorker) {
    const run = await composeRun(config, {
      archive,
      database,
      models,
      warn,
      onStageEnd: (end) => metrics.stageEnded(end),
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    });
    const ended = (studyInstanceUid: string) => {
      ends.emit(studyInstanceUid);
      orders.wake();
    };
    const candidates = await startCandidates(config, { database, queue, run, inUse, logger });
    open.defer(() => candidates?.stop());
    const studyBegins = () => candidates?.studyBegins() ?? { [Symbol.dispose]: () => undefined };
    const modelsNow = inUse.refresh;
    const mayBeginBehind = async () => !(await candidates?.hasWork());
    const work = { database, queue, run, modelsNow, studyBegins, mayBeginBehind, metrics, audit };
    startWork(config, { ...work, logger, ended });
  }
  open.defer(() => queue.stop({ graceMs: config.shutdown.graceSeconds * 1000 }));
  const identity = await composeIdentityWatch(config, { archive, database, queue, logger });
  const watcher = composeWatcher(config, { archive, database, queue, logger, identity });
  if (isGateway) open.use(orders.perform());
  const earlier = isGateway ? await composeEarlierSearches(config, { archive, database, logger }) : undefined;
  if (earlier) open.adopt(startEarlierSearches(earlier), (it) => it.stop());
  if (isGateway) open.adopt(startWatching(config.watch.schedule, watcher, logger), (it) => it.stop());
  for (const { check, what, why, todo } of await startFindings(config)) warn({ check, why, todo }, what);
  await intake?.start();
  open.defer(async () => intake?.refuse());
  open.defer(() => readiness.stop());
  audit.started();
  logger.info({ role, url: doors.url, archive: archive.url }, 'the node is running');

  const running = open.move();
  return {
    url: doors.url,
    archive,
    database,
    watcher,
    studyDetails: (uid) => findStudyListing(database, uid),
    studyEnded: async (studyInstanceUid) => void (await once(ends, studyInstanceUid)),
    stop: async () => {
      await running.disposeAsync();
      logger.info('the node has stopped');
    },
  };
}
