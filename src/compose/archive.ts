import express from 'express';
import type { Logger } from 'pino';
import { createEmbeddedArchive, EMBEDDED_ARCHIVE_NOTICE } from '../archive/embedded-archive.ts';
import type { Config } from '../config.ts';
import { DicomWebClient } from '../dicom/web/client.ts';
import { listen } from '../http/server.ts';

/** @param ownUrl the node's own address, where the embedded archive is */
export function composeArchiveClient({ archive }: Config, ownUrl?: string): DicomWebClient {
  const { url, user, password, token, timeoutSeconds } = archive;
  const basic =
    user === null ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  const authorization = token === null ? basic : `Bearer ${token}`;
  return new DicomWebClient({
    url: archive.kind === 'embedded' ? `${ownUrl}/dicom-web` : (url ?? ''),
    timeoutMs: timeoutSeconds * 1000,
    ...(authorization ? { headers: { Authorization: authorization } } : {}),
  });
}

/** An archive for a command that runs without a node: the configured one, or the embedded one for as long. */
export async function openArchive(
  config: Config,
  logger: Logger,
): Promise<{ client: DicomWebClient; close(): Promise<void> }> {
  if (config.archive.kind !== 'embedded')
    return { client: composeArchiveClient(config), close: async () => {} };
  const embedded = await composeEmbeddedArchive(config, logger);
  const server = await listen(express().use('/dicom-web', embedded.router), config.http.host, 0);
  return {
    client: composeArchiveClient(config, server.url),
    close: async () => {
      await server.close();
      await embedded.close();
    },
  };
}

export async function composeEmbeddedArchive(config: Config, logger: Logger) {
  logger.info(EMBEDDED_ARCHIVE_NOTICE);
  return createEmbeddedArchive({
    folder: config.archive.folder,
    onProblem: (message, err) => logger.warn({ err }, message),
  });
}
