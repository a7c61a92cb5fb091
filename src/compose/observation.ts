import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import { type DiskSpace, diskSpace } from '../metrics/disk-space.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import { addNodeState } from '../metrics/node-state.ts';
import { Readiness } from '../metrics/readiness.ts';
import { describeFailure } from '../pipeline/failures.ts';
import type { Models } from '../pipeline/run/run-parts.ts';
import { SEGMENTED_CLASSES } from '../pipeline/selection/rules.ts';
import { queueFigures } from '../queue/queue-figures.ts';
import { EARLIER_QUEUE } from '../queue/queue-names.ts';
import type { Database } from '../store/database/sql.ts';
import { exitFigures } from '../store/exchange/outgoing.ts';
import { writeProof } from '../store/records/settings.ts';
import type { NodeAudit } from './audit.ts';

export interface Observed {
  readonly database: Database;
  readonly archive: ImageArchive;
  readonly audit: Pick<NodeAudit, 'check'>;
  /** Undefined where this process segments nothing. */
  readonly models: Models | undefined;
  /** Bytes of received instances that are not yet in the archive. */
  readonly spoolBytes: () => number;
  /** What the node has counted; what is only known when it is asked for is added. */
  readonly metrics: NodeMetrics;
  readonly logger: Logger;
}

/** Whether the node can work; its figures are added to its metrics. */
export function composeObservation(config: Config, parts: Observed): Readiness {
  const { database, archive, models, metrics, spoolBytes, logger } = parts;
  const readiness = new Readiness({
    cacheMs: config.health.cacheSeconds * 1000,
    checks: {
      database: () => writeProof(database),
      archive: () => askArchive(archive),
      models: () => loadModels(models),
      queue: async () => void (await queueFigures(database, new Date())),
      ...(config.audit.folder === null ? {} : { audit: parts.audit.check }),
    },
    changed: ({ part, error }) => {
      if (error === undefined) logger.info({ part }, 'can be used again');
      else
        logger.warn({ part, reason: describeFailure(error).reason }, 'cannot be used; the node is not ready');
    },
  });
  addNodeState(metrics.registry, {
    queue: () => queueFigures(database, new Date()),
    behind: () => queueFigures(database, new Date(), EARLIER_QUEUE),
    exits: () => exitFigures(database, new Date()),
    disks: () => diskSpaces(config),
    spoolBytes: async () => spoolBytes(),
    readiness: async () =>
      Object.fromEntries((await readiness.look()).map(({ part, error }) => [part, error === undefined])),
  });
  return readiness;
}

/** One study of today is enough to see that the archive answers. */
async function askArchive(archive: ImageArchive): Promise<void> {
  for await (const _study of archive.searchStudies({ lookBack: 0, now: new Date(), pageSize: 1 })) break;
}

/** Hashes are checked when a model is first loaded; later looks find it loaded. */
async function loadModels(models: Models | undefined): Promise<void> {
  for (const seriesClass of SEGMENTED_CLASSES) {
    if (models?.has(seriesClass)) await models.load(seriesClass);
  }
}

/** The folders that the node writes to. */
export function dataFolders(config: Config): Record<string, string> {
  const isEmbedded = config.archive.kind === 'embedded';
  return {
    ...(config.database.url === null ? { database: config.database.folder } : {}),
    ...(isEmbedded ? { archive: config.archive.folder } : {}),
    ...(!isEmbedded || config.intake.dimse.enabled ? { spool: config.intake.spoolFolder } : {}),
    ...(config.audit.folder === null ? {} : { 'audit log': config.audit.folder }),
  };
}

async function diskSpaces(config: Config): Promise<Record<string, DiskSpace>> {
  const spaces = Object.entries(dataFolders(config)).map(
    async ([name, folder]) => [name, await diskSpace(folder)] as const,
  );
  return Object.fromEntries(await Promise.all(spaces));
}
