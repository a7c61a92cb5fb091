import express from 'express';
import type { Logger } from 'pino';
import { createEmbeddedArchive, EMBEDDED_ARCHIVE_NOTICE } from '../archive/embedded-archive.ts';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import type { DicomWebOptions } from '../dicom/web/archive-access.ts';
import { DicomWebClient } from '../dicom/web/client.ts';
import { listen } from '../http/listen.ts';
import type { LocalAccess } from '../http/security/local-access.ts';
import { isOwnResult } from '../results/own-results.ts';
import type { Database } from '../store/database/sql.ts';
import { composeDimseArchive, type DimseParts } from './dimse-archive.ts';
import { authorizationBy, connectionsTo } from './server-access.ts';

export interface OpenArchive {
  readonly client: ImageArchive;
  /** What others connect to is open from then on; without it, when it is first needed. */
  open(): Promise<void>;
  close(): Promise<void>;
}

interface ArchiveParts extends DimseParts {
  /** How the node reaches itself, where the embedded archive is. */
  readonly own?: LocalAccess;
}

/** The archive as its users know it: none of them knows what it speaks. */
export function composeArchive(config: Pick<Config, 'archive'>, parts: ArchiveParts = {}): OpenArchive {
  if (config.archive.kind === 'dimse') {
    const client = composeDimseArchive(config, parts);
    return { client, open: () => client.open(), close: () => client.close() };
  }
  const client = new DicomWebClient({ ...archiveOptions(config, parts.own), answered: parts.answered });
  return { client, open: async () => undefined, close: async () => undefined };
}

/** Where the archive is, with which credentials and over which connections. */
export function archiveOptions({ archive }: Pick<Config, 'archive'>, own?: LocalAccess): DicomWebOptions {
  const timeoutMs = archive.timeoutSeconds * 1000;
  if (archive.kind === 'embedded') {
    const headers = authorizationBy({ user: null, password: null, token: own?.token || null });
    return { url: `${own?.url}/dicom-web`, timeoutMs, headers };
  }
  return {
    url: archive.url ?? '',
    timeoutMs,
    connections: connectionsTo('archive', archive),
    headers: authorizationBy(archive),
  };
}

/** An archive for a command that runs without a node: the configured one, or the embedded one for as long. */
export async function openArchive(
  config: Config,
  { logger, database }: { readonly logger: Logger; readonly database: Database },
): Promise<Omit<OpenArchive, 'open'>> {
  if (config.archive.kind !== 'embedded') return composeArchive(config, { logger, database: () => database });
  const embedded = await composeEmbeddedArchive(config, logger);
  const server = await listen(express().use('/dicom-web', embedded.router), '127.0.0.1', 0);
  return {
    client: composeArchive(config, { own: { url: server.url, token: '' } }).client,
    close: async () => {
      await server.close();
      await embedded.close();
    },
  };
}

/** @param announce told that a study has something new that the node did not write */
export async function composeEmbeddedArchive(
  { archive, intake }: Config,
  logger: Logger,
  announce: (studyInstanceUid: string) => Promise<void> = async () => undefined,
) {
  logger.info(EMBEDDED_ARCHIVE_NOTICE);
  return createEmbeddedArchive({
    folder: archive.folder,
    maxInstanceBytes: intake.maxInstanceMb * 1_000_000,
    onStored: async (studyInstanceUid, dataset) => {
      if (!isOwnResult(dataset)) await announce(studyInstanceUid);
    },
    onProblem: (message, err) => logger.warn({ err }, message),
  });
}
