import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { afterAll, beforeAll, describe } from 'vitest';
import { createEmbeddedArchive, type EmbeddedArchiveOptions } from '../../src/archive/embedded-archive.ts';
import { startOrthanc } from './orthanc.ts';
import { describeWith } from './requires.ts';
import type { RunningArchive } from './running-archive.ts';

/** Serves the embedded archive, on a temporary folder, at `/dicom-web` of a port of its own. */
export async function startEmbeddedArchive(
  options: Omit<EmbeddedArchiveOptions, 'folder'> = {},
): Promise<RunningArchive & { readonly folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'embedded-archive-'));
  let running = await listen(folder, 0, options);
  const { port } = running.server.address() as AddressInfo;
  const halt = async (): Promise<void> => {
    if (!running.server.listening) return;
    const closed = once(running.server, 'close');
    running.server.close();
    running.server.closeAllConnections();
    await closed;
    await running.close();
  };
  return {
    url: `http://127.0.0.1:${port}/dicom-web`,
    folder,
    halt,
    async resume() {
      if (!running.server.listening) running = await listen(folder, port, options);
    },
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listen(
  folder: string,
  port: number,
  options: Omit<EmbeddedArchiveOptions, 'folder'>,
): Promise<{ server: Server; close(): Promise<void> }> {
  const archive = await createEmbeddedArchive({
    folder,
    onProblem: (message, error) => console.error(`embedded archive: ${message}`, error),
    ...options,
  });
  const server = createServer(express().use('/dicom-web', archive.router));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, close: () => archive.close() };
}

/**
 * Describes the same behaviour of each archive that the project is tested with: Debian's Orthanc and the
 * embedded one.
 * @param body gets an archive that runs, empty at first, during the tests, but not yet while they are
 * collected
 * @param embedded whether the embedded one is among them this time
 */
export function describeArchives(
  name: string,
  body: (archive: RunningArchive) => void,
  { embedded = true } = {},
): void {
  describeWith(['Orthanc'], `${name} [Orthanc]`, () => {
    body(duringTests(() => startOrthanc()));
  });
  describe.runIf(embedded)(`${name} [embedded archive]`, () => {
    body(duringTests(() => startEmbeddedArchive()));
  });
}

function duringTests(start: () => Promise<RunningArchive>): RunningArchive {
  let running: RunningArchive | undefined;
  const archive = (): RunningArchive => {
    if (running) return running;
    throw new Error('the archive runs only while tests do: use it inside of them, or in hooks');
  };
  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running?.stop());
  return {
    get url() {
      return archive().url;
    },
    halt: () => archive().halt(),
    resume: () => archive().resume(),
    stop: () => archive().stop(),
  };
}
