import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { fhirExit } from '../exchange/fhir/fhir-exit.ts';
import type { Deliver, DeliveryOutcome } from '../exchange/outbox/deliver.ts';
import { openExits, startExits } from '../exchange/outbox/exits.ts';
import { type ReadingParts, resultReader } from '../exchange/result/read-result.ts';
import { modelNotices } from '../pipeline/run/models.ts';
import type { Models } from '../pipeline/run/run-parts.ts';
import type { JobEngine } from '../queue/job-engine.ts';
import { nobodyTest } from '../store/records/patient-key.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import { installedSite } from './run.ts';
import { authorizationBy, connectionsTo } from './server-access.ts';

interface ExitsInput {
  readonly engine: JobEngine;
  readonly archive: DicomWebClient;
  readonly models: Models;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly told: (exit: string, outcome: DeliveryOutcome) => void;
}

/** Sends results to the systems that are configured, until it is stopped. */
export async function startResultExits(
  config: Config,
  { engine, archive, models, logger, now, told }: ExitsInput,
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
  const { retryDelaySeconds, retryDelayMaxSeconds } = config.queue;
  return startExits(
    await openExits({
      engine,
      exits: { ...fhir(config, reading) },
      pauses: { firstSeconds: retryDelaySeconds, longestSeconds: retryDelayMaxSeconds },
      now,
      warn: (fields, message) => logger.warn(fields, message),
      told,
    }),
  );
}

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
