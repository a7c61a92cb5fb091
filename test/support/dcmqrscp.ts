import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { programPath } from './requires.ts';

/** DCMTK's archive, whose AE title is QR. */
export interface Dcmqrscp {
  readonly port: number;
  /** The files that it keeps. */
  files(): Promise<Uint8Array[]>;
  stop(): Promise<void>;
}

const INDEX_FILE = 'index.dat';
const START_LIMIT_MS = 20_000;

/**
 * Starts DCMTK's archive on a free port, with a folder of its own.
 * @param destinations AE titles that it may move to, and their ports on this machine
 */
export async function startDcmqrscp(
  destinations: Readonly<Record<string, number>>,
  options: readonly string[] = [],
): Promise<Dcmqrscp> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dcmqrscp-'));
  const storage = path.join(folder, 'QR');
  await mkdir(storage);
  const port = await freePort();
  const hosts = Object.entries(destinations).map(
    ([aeTitle, at]) => `${aeTitle.toLowerCase()} = (${aeTitle}, 127.0.0.1, ${at})`,
  );
  const configuration = [
    'MaxPDUSize = 131072',
    'MaxAssociations = 16',
    `HostTable BEGIN\n${hosts.join('\n')}\nHostTable END`,
    'VendorTable BEGIN\nVendorTable END',
    `AETable BEGIN\nQR ${storage} RW (200, 1024mb) ANY\nAETable END\n`,
  ];
  const file = path.join(folder, 'dcmqrscp.cfg');
  await writeFile(file, configuration.join('\n'));
  const child = spawn(programPath('dcmqrscp'), ['-q', '-c', file, ...options, String(port)], {
    stdio: 'ignore',
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  while (!(await listens(port))) {
    if (limit.aborted || child.exitCode !== null) throw new Error('dcmqrscp did not start');
    await wait(50);
  }
  return {
    port,
    files: async () => {
      const names = (await readdir(storage)).filter((name) => name !== INDEX_FILE);
      return Promise.all(names.map((name) => readFile(path.join(storage, name))));
    },
    stop: async () => {
      process.removeListener('exit', kill);
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
