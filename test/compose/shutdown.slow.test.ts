import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { queueFigures } from '../../src/queue/queue-figures.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { findStudies } from '../../src/store/records/find-studies.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const STUDY = '2.25.981.1';
const logLine = z.looseObject({ msg: z.string(), url: z.string().optional() });

let folder: string;
let archive: RunningArchive;
let gate: Gate;
let child: ChildProcess | undefined;

/** Stands before the archive and holds the retrieval of images until it is opened. */
interface Gate {
  readonly url: string;
  /** Resolves when the node waits for images. */
  readonly reached: Promise<void>;
  open(): void;
  close(): void;
}

async function startGate(target: string): Promise<Gate> {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const server: Server = createServer((incoming, outgoing) => {
    const forward = (): void => {
      const { method = 'GET', url = '/', headers } = incoming;
      const onward = request(new URL(url, target), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    };
    if (!incoming.headers.accept?.startsWith('multipart/related; type="application/dicom"')) return forward();
    reached.resolve();
    void opened.promise.then(forward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/dicom-web`,
    reached: reached.promise,
    open: () => opened.resolve(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shutdown-'));
  await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
  archive = await startEmbeddedArchive();
  gate = await startGate(archive.url);
  await new DicomWebClient({ url: archive.url }).storeVerified(STUDY, smallCtSeries(STUDY));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  gate.close();
  await archive.stop();
  await rm(folder, { recursive: true });
});

/** `serve` in a process of its own, as a service manager starts it, when it has begun to fetch the study. */
async function startServing(graceSeconds: number) {
  const config = {
    archive: { kind: 'dicomweb', url: gate.url },
    database: { folder: path.join(folder, 'database') },
    models: { folder, CT: 'sign' },
    selection: { siteRules: SMALL_SERIES_RULES },
    watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 0 },
    http: { port: 0 },
    shutdown: { graceSeconds },
  };
  const file = path.join(folder, 'site.yaml');
  await writeFile(file, JSON.stringify(config));
  const started = spawn(process.execPath, ['src/cli.ts', 'serve', '--config', file], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child = started;
  const exited = once(started, 'exit') as Promise<[code: number | null, signal: string | null]>;
  let url: string | undefined;
  for await (const line of createInterface({ input: started.stderr })) {
    url = logLine.parse(JSON.parse(line)).url;
    if (url) break;
  }
  started.stderr.resume();
  await gate.reached;
  return { url: url ?? '', exited, kill: (signal: NodeJS.Signals) => void started.kill(signal) };
}

/** What the node left behind. */
async function leftBehind() {
  const database = await openDatabase({ folder: path.join(folder, 'database') });
  const { studies } = await findStudies(database, {}, { limit: 10, offset: 0 });
  const queue = await queueFigures(database, new Date());
  await database.close();
  return { state: studies[0]?.study.state, queue };
}

/** Resolves at the first answer of /readyz that says so. */
async function notReady(url: string): Promise<unknown> {
  for (;;) {
    const response = await fetch(`${url}/readyz`);
    if (response.status === 503) return response.json();
    await response.body?.cancel();
  }
}

describe('serve', () => {
  it('asked to stop, takes nothing new, says so, ends the study in its hands, and exits with 0', async () => {
    const { url, exited, kill } = await startServing(60);
    kill('SIGTERM');
    expect(await notReady(url)).toMatchObject({ reasons: ['the node is stopping'] });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    gate.open();
    expect(await exited).toEqual([0, null]);
    expect(await leftBehind()).toMatchObject({ state: 'done', queue: { waiting: 0, active: 0, dead: 0 } });
  });

  it('puts a study back in the queue that does not end within the time, and exits with 0', async () => {
    const { exited, kill } = await startServing(0.2);
    kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await leftBehind()).toMatchObject({ queue: { waiting: 1, active: 0, dead: 0 } });
  });

  it('ends at once at the second signal; the study is not lost', async () => {
    const { url, exited, kill } = await startServing(600);
    kill('SIGTERM');
    await notReady(url);
    kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    expect((await leftBehind()).queue).toMatchObject({ active: 1 });
  });
});
