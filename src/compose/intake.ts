import type { Router } from 'express';
import type { Logger } from 'pino';
import { Forwarder, type ForwardTarget } from '../arrivals/intake/forward.ts';
import { type InstanceSource, Spool, type SpoolFigures } from '../arrivals/intake/spool.ts';
import { SpoolDelivery, whyNoRoom } from '../arrivals/intake/spool-delivery.ts';
import type { Config } from '../config.ts';
import { receiveRoutes } from '../http/receive/receive-routes.ts';
import { announceStudy } from '../store/arrivals/announcements.ts';
import { lockFolder } from '../store/database/folder-lock.ts';
import type { Database } from '../store/database/sql.ts';
import type { NodeAudit } from './audit.ts';

const MEGABYTE = 1_000_000;

export interface Intake {
  /** STOW-RS, to be mounted at /dicom-web. */
  readonly router: Router;
  figures(): SpoolFigures;
  /** Takes up what lies in the spool, and opens the port for C-STORE where that is configured. */
  start(): Promise<void>;
  /** Takes nothing new: closes the port, and answers STOW-RS with 503. */
  refuse(): Promise<void>;
  /** What has not been sent on stays in the spool. */
  stop(): Promise<void>;
}

interface IntakeParts {
  readonly archive: ForwardTarget;
  readonly database: Database;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly audit: Pick<NodeAudit, 'studyReceived'>;
}

/**
 * The ways in by which instances come: STOW-RS and C-STORE, through the spool to the archive; undefined where
 * neither is.
 */
export async function composeIntake(
  config: Config,
  { archive, database, logger, now, audit }: IntakeParts,
): Promise<Intake | undefined> {
  const { intake } = config;
  // The embedded archive takes STOW-RS itself.
  if (config.archive.kind === 'embedded' && !intake.dimse.enabled) return undefined;
  const lock = await lockFolder(intake.spoolFolder);
  const spool = await Spool.open({
    folder: intake.spoolFolder,
    limits: {
      maxInstanceBytes: intake.maxInstanceMb * MEGABYTE,
      maxSpoolBytes: intake.maxSpoolMb * MEGABYTE,
      minFreeBytes: intake.minFreeDiskMb * MEGABYTE,
    },
    now,
    onProblem: (message, err) => logger.error({ err }, message),
  });
  let refusing = false;
  const router = receiveRoutes({
    deliver: (studyUid) => new SpoolDelivery(spool, studyUid),
    noRoom: async () => (refusing ? 'the node is stopping' : whyNoRoom(spool)),
    concurrentRequests: intake.concurrentRequests,
    retryAfterSeconds: intake.retryAfterSeconds,
  });
  const forwarder = new Forwarder({
    spool,
    archive,
    announce: async (studyInstanceUid: string, { kind, callingAeTitle }: InstanceSource) => {
      const source = { kind, ...(callingAeTitle === undefined ? {} : { callingAeTitle }) };
      audit.studyReceived(studyInstanceUid, callingAeTitle ?? kind);
      await announceStudy(database, { studyInstanceUid, source, now: now() });
    },
    log: logger,
  });
  let dimse: Awaited<ReturnType<typeof openDimse>> | undefined;
  return {
    router,
    figures: () => spool.figures,
    start: async () => {
      forwarder.start();
      if (intake.dimse.enabled) dimse = await openDimse(intake.dimse, spool, logger);
    },
    refuse: async () => {
      refusing = true;
      await dimse?.close();
    },
    stop: async () => {
      await forwarder.stop();
      lock.release();
    },
  };
}

/** The library takes a while to load, and most nodes do without. */
async function openDimse(options: Config['intake']['dimse'], spool: Spool, log: Logger) {
  const { listenForDimse } = await import('../arrivals/intake/dimse/dimse-server.ts');
  return listenForDimse({ ...options, idleMs: options.idleSeconds * 1000 }, { spool, log });
}
