import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import { WorkitemClient } from '../dicom/web/workitem-client.ts';
import { workitemRoutes } from '../http/orders/workitem-routes.ts';
import { KeptWorklist } from '../orders/kept-worklist.ts';
import { Performer, type PerformerParts } from '../orders/performer.ts';
import type { OrderEvent } from '../orders/performing.ts';
import { performOrders } from '../orders/schedule.ts';
import { remoteWorklist, type Worklist } from '../orders/worklist.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';
import { patientKeys } from '../store/records/patient-key.ts';
import { authorizationBy, connectionsTo } from './server-access.ts';

export interface Orders {
  /** UPS-RS on the node's own worklist; undefined where it takes none. */
  readonly router: RequestHandler | undefined;
  /** Begins to perform orders; undefined where there are none to be performed. */
  perform(): AsyncDisposable | undefined;
  /** A study has ended, or something else that orders may wait for. */
  wake(): void;
}

interface OrdersParts {
  readonly archive: ImageArchive;
  readonly database: Database;
  readonly queue: StudyQueue;
  readonly now: () => Date;
  readonly logger: Logger;
  readonly told: (event: OrderEvent) => void;
}

/** Orders in: a worklist elsewhere that is asked, and the node's own, as configured. */
export async function composeOrders(config: Config, parts: OrdersParts): Promise<Orders> {
  const { archive, database, queue, now, logger, told } = parts;
  const { orders } = config;
  let wake = (): void => undefined;
  const kept = orders.accept
    ? new KeptWorklist({
        database,
        names: config.pages.patientNames,
        patientKey: await patientKeys(database, config.patients.placeholderIds),
        now,
        changed: () => wake(),
      })
    : undefined;
  const worklists: Worklist[] = [
    ...remoteWorklists(config),
    ...(kept ? [kept.asWorklist(orders.station.value)] : []),
  ];
  const performing: PerformerParts = {
    archive,
    database,
    queue,
    archiveHosts: new Set([new URL(archive.url).host, ...orders.retrieveHosts]),
    openOrders: orders.openOrders,
    settings: {
      station: orders.station,
      workitemCodes: orders.workitemCodes,
      inputMs: orders.inputMinutes * 60_000,
      archiveIsShared: config.archive.kind !== 'embedded',
      archiveAeTitle:
        config.archive.kind === 'dimse' ? (config.archive.dimse.calledAeTitle ?? undefined) : undefined,
    },
    now,
    log: logger,
    told,
  };
  return {
    router: kept && workitemRoutes({ worklist: kept, basePath: config.http.basePath }),
    perform: () => {
      if (worklists.length === 0) return undefined;
      const performers = worklists.map((worklist) => new Performer(worklist, performing));
      const work = performOrders(performers, { pollMs: orders.pollSeconds * 1000, log: logger });
      wake = () => work.wake();
      return work;
    },
    wake: () => wake(),
  };
}

function remoteWorklists({ orders }: Config): Worklist[] {
  const { url, timeoutSeconds } = orders.worklist;
  if (url === null) return [];
  const client = new WorkitemClient({
    url,
    requester: orders.aeTitle,
    timeoutMs: timeoutSeconds * 1000,
    connections: connectionsTo('orders.worklist', orders.worklist),
    headers: authorizationBy(orders.worklist),
  });
  return [remoteWorklist(client, orders.station.value)];
}
