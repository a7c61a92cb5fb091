import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { programPath } from './requires.ts';

const START_LIMIT_MS = 60_000;

export interface PostgresServer {
  /** A new, empty database on it; gives its URL. */
  newDatabase(): Promise<string>;
  /** Takes it down at once, as when its machine is switched off, and keeps its data. */
  halt(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL server of its own on a temporary folder; it is reached by a socket in there. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'postgres-'));
  const data = path.join(folder, 'data');
  const bin = path.dirname(programPath('postgresql'));
  const account = await serverAccount();
  if (account) await chown(folder, account.uid, account.gid);
  // PostgreSQL refuses to run as root.
  const identity = account ?? {};
  await promisify(execFile)(
    path.join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '--locale=C.UTF-8', '-E', 'UTF8'],
    { ...identity, cwd: folder },
  );
  const url = (database: string): string =>
    `postgresql://postgres:not-asked-for@localhost/${database}?host=${encodeURIComponent(folder)}`;

  const launch = async (): Promise<ChildProcess> => {
    const settings = { listen_addresses: '', unix_socket_directories: folder, fsync: 'off' };
    const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const child = spawn(path.join(bin, 'postgres'), ['-D', data, ...options], {
      ...identity,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000);
    });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.removeListener('exit', kill));
    const limit = AbortSignal.timeout(START_LIMIT_MS);
    while (child.exitCode === null && !(await answers(url('postgres')))) {
      if (limit.aborted) break;
      await wait(50);
    }
    if (child.exitCode !== null || limit.aborted) throw new Error(`PostgreSQL did not start:\n${log}`);
    return child;
  };

  let running: ChildProcess | undefined = await launch();
  let databases = 0;
  const halt = async (): Promise<void> => {
    if (!running) return;
    const exited = once(running, 'exit');
    // Immediate shutdown: connections break, and the next start recovers from the log.
    running.kill('SIGQUIT');
    await exited;
    running = undefined;
  };
  return {
    newDatabase: async () => {
      databases += 1;
      const name = `test_${databases}`;
      await onServer(url('postgres'), `CREATE DATABASE ${name}`);
      return url(name);
    },
    halt,
    resume: async () => {
      running ??= await launch();
    },
    stop: async () => {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs statements on a database of the server, on a connection of their own. */
export async function onServer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await onServer(url, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}

/** Whom the server runs as where the tests run as root; Debian's package makes this account. */
async function serverAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (kind: string): Promise<number> =>
    Number((await promisify(execFile)('id', [kind, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** A program of the same version, such as pg_dump. */
export const postgresProgram = (name: string): string =>
  path.join(path.dirname(realpathSync(programPath('postgresql'))), name);
