import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { programPath } from './requires.ts';
import type { RunningArchive } from './running-archive.ts';

const PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
/** Orthanc answers after about 5 s on two idle cores; other tests and trainings may hold them. */
const START_LIMIT_MS = 60_000;
/** A halt that lasts longer is ended the hard way. */
const HALT_LIMIT_MS = 10_000;

export interface OrthancServer extends RunningArchive {
  /** Root of its own REST interface. */
  readonly restUrl: string;
  /** Port of its C-STORE SCP; its AE title is ORTHANC, and it takes any calling one. */
  readonly dicomPort: number;
}

/**
 * Starts Debian's Orthanc with its DICOMweb plugin on free ports, with a temporary folder.
 * @param configuration entries that are added to Orthanc's configuration, or replace the ones here
 * @param environment variables for it beside the tests' own
 */
export async function startOrthanc(
  configuration: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<OrthancServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'orthanc-'));
  const [httpPort, dicomPort] = await freePorts();
  const file = path.join(folder, 'orthanc.json');
  const settings = {
    StorageDirectory: path.join(folder, 'storage'),
    IndexDirectory: path.join(folder, 'index'),
    Plugins: [PLUGIN],
    HttpPort: httpPort,
    DicomPort: dicomPort,
    DicomAet: 'ORTHANC',
    DicomAlwaysAllowStore: true,
    AuthenticationEnabled: false,
    DicomWeb: { Enable: true, Root: '/dicom-web/' },
    ...configuration,
  };
  await writeFile(file, JSON.stringify(settings));

  const restUrl = `http://127.0.0.1:${httpPort}`;
  let running: ChildProcess | undefined = await launch(file, restUrl, environment);
  const halt = async (): Promise<void> => {
    if (running) await end(running);
    running = undefined;
  };
  return {
    url: `${restUrl}/dicom-web`,
    restUrl,
    dicomPort,
    halt,
    async resume() {
      running ??= await launch(file, restUrl, environment);
    },
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(
  configuration: string,
  restUrl: string,
  environment: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const child = spawn(programPath('Orthanc'), [configuration], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000);
  });
  // A test run that ends in the middle leaves no Orthanc behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  // Without vitest's own waiting: the benchmarks start an Orthanc too.
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  while (child.exitCode === null && !(await answers(`${restUrl}/system`))) {
    if (limit.aborted) {
      child.kill('SIGKILL');
      throw new Error(`Orthanc did not answer within ${START_LIMIT_MS / 1000} s:\n${log}`);
    }
    await wait(100);
  }
  if (child.exitCode !== null) throw new Error(`Orthanc ended with ${child.exitCode}:\n${log}`);
  return child;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    // One that wants credentials answers, too.
    return response.ok || response.status === 401;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), HALT_LIMIT_MS);
  await exited;
  clearTimeout(hard);
}

/** Two ports that nobody listens on; both are held until both are known, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address ? address.port : 0;
    }),
  );
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return [ports[0] ?? 0, ports[1] ?? 0];
}
