import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { Spool, type SpoolLimits } from '../../src/arrivals/intake/spool.ts';
import { SpoolDelivery, whyNoRoom } from '../../src/arrivals/intake/spool-delivery.ts';
import { errorAnswer } from '../../src/http/error-answer.ts';
import { type ReceiveParts, receiveRoutes } from '../../src/http/receive/receive-routes.ts';

const LIMITS: SpoolLimits = { maxInstanceBytes: 1e9, maxSpoolBytes: 1e9, minFreeBytes: 0 };

export interface Receiving {
  /** Root of its DICOMweb service. */
  readonly url: string;
  readonly folder: string;
  readonly spool: Spool;
  /** Names of all files in the spool. */
  files(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface ReceivingOptions {
  readonly limits?: Partial<SpoolLimits>;
  readonly parts?: Partial<ReceiveParts>;
}

/** STOW-RS into a spool of its own that nobody empties. */
export async function startReceiving({ limits, parts }: ReceivingOptions = {}): Promise<Receiving> {
  const folder = await mkdtemp(path.join(tmpdir(), 'receiving-'));
  const spool = await openSpool(folder, limits);
  const router = receiveRoutes({
    deliver: (studyUid) => new SpoolDelivery(spool, studyUid),
    noRoom: () => whyNoRoom(spool),
    concurrentRequests: 8,
    retryAfterSeconds: 7,
    ...parts,
  });
  const onError = (error: unknown) => console.error('receiving:', error);
  const server = createServer(express().use('/dicom-web', router).use(errorAnswer(onError)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`,
    folder,
    spool,
    files: () => filesOf(folder),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function openSpool(folder: string, limits: Partial<SpoolLimits> = {}): Promise<Spool> {
  return Spool.open({
    folder,
    limits: { ...LIMITS, ...limits },
    now: () => new Date(0),
    onProblem: () => undefined,
  });
}

/** Paths of all files below a folder. */
export async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** A multipart/related body of instances, and its type. */
export function stowBody(parts: readonly Uint8Array[]): { body: Buffer<ArrayBuffer>; type: string } {
  const head = Buffer.from('\r\n--boundary-of-the-test\r\nContent-Type: application/dicom\r\n\r\n');
  const body = [...parts.flatMap((part) => [head, part]), Buffer.from('\r\n--boundary-of-the-test--\r\n')];
  return {
    body: Buffer.concat(body),
    type: 'multipart/related; type="application/dicom"; boundary=boundary-of-the-test',
  };
}
