import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import { fhirExit } from '../exchange/fhir/fhir-exit.ts';
import { hl7Exit } from '../exchange/hl7/hl7-exit.ts';
import type { Deliver, Delivery } from '../exchange/outbox/deliver.ts';
import { openExits, startExits } from '../exchange/outbox/exits.ts';
import { type ReadingParts, resultReader } from '../exchange/result/read-result.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import { modelNotices } from '../pipeline/run/models.ts';
import type { Models } from '../pipeline/run/run-parts.ts';
import type { JobEngine } from '../queue/job-engine.ts';
import { nobodyTest } from '../store/records/patient-key.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import type { NodeAudit } from './audit.ts';
import { readPemIfNamed } from './pem.ts';
import { installedSite } from './run.ts';
import { authorizationBy, connectionsTo } from './server-access.ts';

interface ExitsInput {
  readonly engine: JobEngine;
  readonly archive: ImageArchive;
  readonly models: Models;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly metrics: NodeMetrics;
  readonly audit: Pick<NodeAudit, 'resultSent'>;
}

/** Sends results to the systems that are configured, until it is stopped. */
export async function startResultExits(
  config: Config,
  { engine, archive, models, logger, now, metrics, audit }: ExitsInput,
): Promise<{ stop(): Promise<void> }> {
  const { database } = engine;
  const namesNobody = nobodyTest(config.patients.placeholderIds);
  const reading: ReadingParts = {
    archive,
    database,
    facts: {
      site: await installedSite(config, database),
      softwareVersion: SOFTWARE_VERSION,
      qualification: config.results.contentQualification,
      namesNobody,
    },
    notice: async ({ sha256 }) => (await modelNotices(models)).get(sha256),
  };
  const told = ({ exit, outcome, studyInstanceUid }: Delivery): void => {
    metrics.resultDelivered(exit, outcome);
    if (outcome !== 'later') audit.resultSent(addressOf(config, exit), studyInstanceUid, outcome);
  };
  const { retryDelaySeconds, retryDelayMaxSeconds } = config.queue;
  return startExits(
    await openExits({
      engine,
      exits: { ...fhir(config, reading), ...hl7(config, reading) },
      pauses: { firstSeconds: retryDelaySeconds, longestSeconds: retryDelayMaxSeconds },
      now,
      warn: (fields, message) => logger.warn(fields, message),
      told,
    }),
  );
}

/** As the audit log names it. */
const addressOf = ({ exchange: { fhir: server, hl7: receiver } }: Config, exit: string): string =>
  exit === 'fhir'
    ? (server.url ?? exit)
    : `${receiver.tls ? 'mllps' : 'mllp'}://${receiver.host}:${receiver.port}`;

function fhir({ exchange }: Config, reading: ReadingParts): Record<string, Deliver> {
  const { url, version, timeoutSeconds, pdf, issuers } = exchange.fhir;
  if (url === null) return {};
  const server = {
    url: url.replace(/\/+$/, ''),
    version,
    timeoutMs: timeoutSeconds * 1000,
    headers: authorizationBy(exchange.fhir),
    connections: connectionsTo('exchange.fhir', exchange.fhir),
  };
  const { database } = reading;
  return { fhir: fhirExit(server, { read: resultReader(reading, { pdf }), database, systems: issuers }) };
}

function hl7({ exchange }: Config, reading: ReadingParts): Record<string, Deliver> {
  const { host, port, tls, ca, clientCertificate, clientKey, timeoutSeconds, pdf, ...names } = exchange.hl7;
  if (host === null) return {};
  const pem = (key: string, file: string | null) => readPemIfNamed(`exchange.hl7.${key}`, file);
  const certificates = {
    ca: pem('ca', ca),
    cert: pem('clientCertificate', clientCertificate),
    key: pem('clientKey', clientKey),
  };
  const receiver = { host, port, tls: tls ? certificates : undefined, timeoutMs: timeoutSeconds * 1000 };
  return { hl7: hl7Exit(receiver, names, resultReader(reading, { pdf })) };
}
