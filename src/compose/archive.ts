import express from 'express';
import type { Logger } from 'pino';
import { createEmbeddedArchive, EMBEDDED_ARCHIVE_NOTICE } from '../archive/embedded-archive.ts';
import type { Config } from '../config.ts';
import type { ArchiveAnswer, DicomWebOptions } from '../dicom/web/archive-access.ts';
import { DicomWebClient } from '../dicom/web/client.ts';
import { listen } from '../http/listen.ts';
import type { LocalAccess } from '../http/security/local-access.ts';
import { isOwnResult } from '../results/own-results.ts';
import { authorizationBy, connectionsTo } from './server-access.ts';

/**
 * @param own how the node reaches itself, where the embedded archive is
 * @param answered told how long the archive took for each request
 */
export function composeArchiveClient(
  config: Pick<Config, 'archive'>,
  own?: LocalAccess,
  answered?: (answer: ArchiveAnswer) => void,
): DicomWebClient {
  return new DicomWebClient({ ...archiveOptions(config, own), answered });
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
  logger: Logger,
): Promise<{ client: DicomWebClient; close(): Promise<void> }> {
  if (config.archive.kind !== 'embedded')
    return { client: composeArchiveClient(config), close: async () => {} };
  const embedded = await composeEmbeddedArchive(config, logger);
  const server = await listen(express().use('/dicom-web', embedded.router), '127.0.0.1', 0);
  return {
    client: composeArchiveClient(config, { url: server.url, token: '' }),
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
