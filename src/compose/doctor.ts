import '../telemetry-off.ts';
import { hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { messageOf } from '../coded-error.ts';
import { isLoopback } from '../config/http.ts';
import type { Config } from '../config.ts';
import type { Detour } from '../dicom/web/archive-access.ts';
import { DicomWebClient } from '../dicom/web/client.ts';
import { archiveRequest } from '../doctor/archive-request.ts';
import { checkArchive } from '../doctor/check-archive.ts';
import { checkChanges } from '../doctor/check-changes.ts';
import { checkDatabase, type NodeAnswer } from '../doctor/check-database.ts';
import { checkExposure } from '../doctor/check-exposure.ts';
import { checkForms } from '../doctor/check-forms.ts';
import { checkInference } from '../doctor/check-inference.ts';
import {
  checkCores,
  checkMemory,
  checkNodeVersion,
  checkRuntime,
  checkTimeZone,
} from '../doctor/check-machine.ts';
import { checkModels } from '../doctor/check-models.ts';
import { checkPromotions } from '../doctor/check-promotions.ts';
import { checkSpeed } from '../doctor/check-speed.ts';
import { checkFolder } from '../doctor/check-storage.ts';
import { type Finding, ok, trouble } from '../doctor/finding.ts';
import { type ModelUse, modelsAnswer } from '../http/api/model-answers.ts';
import { readLocalAccess } from '../http/security/local-access.ts';
import type { ModelNames } from '../pipeline/run/models.ts';
import { listModels } from '../segmentation/model/model-folder.ts';
import { readDatabase } from '../store/database/inspect.ts';
import type { Sql } from '../store/database/sql.ts';
import { readSpeed } from '../store/records/speeds.ts';
import { archiveOptions } from './archive.ts';
import { databasePlace } from './database.ts';
import { examineDimseArchive } from './dimse-doctor.ts';
import { localAccessFile } from './doors.ts';
import { modelUses } from './model-uses.ts';
import { configuredNames } from './models.ts';
import { dataFolders } from './observation.ts';
import { modeOf, modeOfNewSite } from './run.ts';
import { composeChanges } from './watch.ts';

/** An archive that takes longer to say a word is as good as down, to somebody who waits for the doctor. */
const ANSWER_LIMIT_MS = 15_000;
/** The same for all of what it says. */
const WHOLE_ANSWER_LIMIT_MS = 60_000;

/**
 * Looks at everything that the node needs, as it is configured; works beside a running node and changes
 * nothing.
 * @param configure loads the configuration; what it throws is a finding
 */
export async function* examine(configure: () => Config): AsyncGenerator<Finding> {
  yield checkNodeVersion();
  yield await checkRuntime(loadRuntime);
  yield checkTimeZone();
  let config: Config;
  try {
    config = configure();
    yield ok('configuration', 'every key is known and has a value that makes sense');
  } catch (error) {
    yield trouble(
      'configuration',
      'problem',
      messageOf(error),
      'The node does not start with it; nothing else can be looked at.',
      'Correct the keys that are named; config/default.yaml explains each.',
    );
    return;
  }
  const { queue, inference, models, http } = config;
  yield checkMemory(queue.concurrency);
  yield checkCores(inference.threads);
  for (const [name, folder] of Object.entries(dataFolders(config))) yield* await checkFolder(name, folder);
  yield* await checkDatabase(databasePlace(config), () => askNode(config));
  yield* await examineArchive(config);
  const { archive, results } = config;
  if (archive.url !== null) yield checkForms(archive.url, [results.segmentation].flat());
  const uses = await readModelUses(config).catch(() => undefined);
  const names = namesOf(config, uses);
  yield* await checkModels({ folder: models.folder, names, candidates: models.candidates });
  yield* checkPromotions(uses ?? [], await hashesOf(models.folder));
  yield* await checkInference({
    executionProviders: inference.executionProviders,
    threads: inference.threads || undefined,
    modelFolder: models.folder,
    models: Object.values(names).filter((name) => name !== null),
  });
  // A database that a running node owns cannot be asked: that node ends what is too slow by itself.
  const kept = <T>(read: (sql: Sql) => Promise<T>) =>
    readDatabase(databasePlace(config), read).catch(() => undefined);
  yield* await checkSpeed({
    modelFolder: models.folder,
    models: Object.values(names).filter((name) => name !== null),
    mode: (await kept((sql) => modeOf(config, sql))) ?? modeOfNewSite(config),
    limitMinutes: queue.stageTimeoutMinutes.segment,
    speedOf: (modelSha256) => kept((sql) => readSpeed(sql, { machine: hostname(), modelSha256 })),
  });
  yield checkExposure({
    host: http.host,
    port: http.port,
    isLoopback: isLoopback(http.host),
    hasTls: http.tls.certificate !== null,
    isBehindProxy: http.trustedProxies.length > 0,
  });
}

async function loadRuntime(): Promise<{ version: string }> {
  const { env } = await import('onnxruntime-node');
  return { version: env.versions.node ?? 'of an unknown version' };
}

async function examineArchive(config: Config): Promise<Finding[]> {
  if (config.archive.kind === 'embedded') {
    return [
      trouble(
        'archive',
        'warning',
        `the embedded one, in ${config.archive.folder}`,
        'It is for demonstrations and tests: no redundancy, no deletion, its index in memory.',
        'For patients, name a DICOMweb archive such as Orthanc: archive.kind and archive.url.',
      ),
    ];
  }
  try {
    if (config.archive.kind === 'dimse') return await examineDimseArchive(config);
    const options = {
      ...archiveOptions(config),
      timeoutMs: Math.min(ANSWER_LIMIT_MS, config.archive.timeoutSeconds * 1000),
      totalTimeoutMs: WHOLE_ANSWER_LIMIT_MS,
    };
    const detours: Detour[] = [];
    const client = new DicomWebClient({ ...options, detour: (detour) => detours.push(detour) });
    const findings = await checkArchive({
      client,
      detours,
      watch: config.watch,
      request: archiveRequest(options),
      now: () => new Date(),
    });
    const changes = composeChanges(config);
    return changes ? [...findings, await checkChanges(changes)] : findings;
  } catch (error) {
    // A certificate or key that cannot be read.
    return [
      trouble(
        'archive',
        'problem',
        messageOf(error),
        'The archive cannot be reached without it.',
        'Check the files that archive.ca, clientCertificate and clientKey name.',
      ),
    ];
  }
}

/** What the node that runs on this machine says at /readyz. */
async function askNode(config: Config): Promise<NodeAnswer> {
  const { host, port, basePath, tls } = config.http;
  const own = await readLocalAccess(localAccessFile(config));
  const scheme = tls.certificate === null ? 'http' : 'https';
  const url = own?.url ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${basePath}`;
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
  const { parts } = readyzSchema.parse(await response.json());
  return parts;
}

/**
 * Which models are in use, by the running node that owns the database, or by the database; undefined where
 * there is none yet.
 */
async function readModelUses(config: Config): Promise<readonly ModelUse[] | undefined> {
  const own = await readLocalAccess(localAccessFile(config));
  if (!own) {
    return readDatabase(databasePlace(config), (sql) =>
      modelUses(configuredNames(config), config.models.candidates, sql),
    );
  }
  const response = await fetch(`${own.url}/api/models`, {
    headers: { Authorization: `Bearer ${own.token}` },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  return modelsAnswer.parse(await response.json()).models;
}

/** Of models that can be used, by the name of their folder. */
async function hashesOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const listed = await listModels(folder).catch(() => []);
  return new Map(
    listed.flatMap(({ folder: at, model }): [string, string][] =>
      model ? [[path.basename(at), model.sha256]] : [],
    ),
  );
}

const namesOf = (config: Config, uses: readonly ModelUse[] | undefined): ModelNames => {
  const configured = configuredNames(config);
  const inUse = (name: keyof ModelNames) =>
    uses?.find((one) => one.class === name)?.inUse ?? configured[name];
  return { CT: inUse('CT'), T1W: inUse('T1W'), T2W: inUse('T2W') };
};

const readyzSchema = z.object({ parts: z.record(z.string(), z.boolean()) });
