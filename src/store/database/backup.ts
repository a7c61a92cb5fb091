import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { codeOf, messageOf } from '../../coded-error.ts';
import { StoreError } from '../store-error.ts';
import { DATA_FOLDER, type LastingPlace } from './database.ts';
import { lockFolder } from './folder-lock.ts';
import { connectPostgres } from './postgres.ts';
import { ASIDE_FOLDER, ASIDE_SCHEMA, folderAside } from './put-aside.ts';
import type { Sql } from './sql.ts';

/** The node's own, and those of its job engine. */
const SCHEMAS = ['pansegnet', 'pgboss'] as const;
/** What a file begins with: gzip (RFC 1952 2.3.1), and pg_dump's custom format. */
const BEGINNINGS = { folder: Buffer.from([0x1f, 0x8b]), server: Buffer.from('PGDMP') } as const;
const OWNER_ALONE = 0o077;
const SAID_KEPT = 4_000;

/**
 * Writes the whole database into one file: of the embedded one, which no process may use meanwhile, its
 * folder (tar, gzip); of a server's, beside running nodes, what pg_dump makes of the node's schemas. The file
 * is there when it is whole, for its owner alone.
 * @throws StoreError DATABASE_ABSENT, DATABASE_IN_USE, BACKUP_FAILED
 */
export async function backUpDatabase(place: LastingPlace, file: string): Promise<void> {
  if (existsSync(file)) throw new StoreError('BACKUP_FAILED', `${file} is there already`);
  const partial = `${path.resolve(file)}.partial`;
  const umask = process.umask(OWNER_ALONE);
  try {
    await mkdir(path.dirname(partial), { recursive: true });
    if ('url' in place) await dump(place.url, partial);
    else await pack(path.resolve(place.folder), partial);
    await rename(partial, file);
  } finally {
    process.umask(umask);
    await rm(partial, { force: true });
  }
}

/**
 * Puts a backup in the place of the database. What was there is kept beside it, under the name that is
 * returned: the folder `data.before-…`, or schemas with that ending; undefined where there was none. Where
 * it fails, all is as it was; where it is cut off, too, or the node says so when it next starts.
 * @throws StoreError DATABASE_IN_USE, BACKUP_FAILED where the file is no backup of this kind of database
 */
export async function restoreDatabase(
  place: LastingPlace,
  file: string,
  now: Date,
): Promise<string | undefined> {
  await mustBegin(file, 'url' in place ? 'server' : 'folder');
  const moment = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return 'url' in place
    ? restoreServer(place, file, `${ASIDE_SCHEMA}${moment.toLowerCase()}`)
    : restoreFolder(path.resolve(place.folder), file, `${ASIDE_FOLDER}${moment}`);
}

async function pack(folder: string, file: string): Promise<void> {
  // Asked before the lock, which would make the folder.
  if (!existsSync(path.join(folder, DATA_FOLDER)))
    throw new StoreError('DATABASE_ABSENT', `there is no node's database in the folder ${folder}`);
  const lock = await lockFolder(folder);
  try {
    await run('tar', ['-czf', file, '-C', folder, DATA_FOLDER]);
  } finally {
    lock.release();
  }
}

async function restoreFolder(folder: string, file: string, aside: string): Promise<string | undefined> {
  const lock = await lockFolder(folder);
  const unpacked = path.join(folder, 'restored.partial');
  const data = path.join(folder, DATA_FOLDER);
  const old = path.join(folder, aside);
  try {
    await rm(unpacked, { recursive: true, force: true });
    await mkdir(unpacked, { mode: 0o700 });
    await run('tar', ['-xzf', path.resolve(file), '-C', unpacked, '--no-same-owner']);
    const restored = path.join(unpacked, DATA_FOLDER);
    if (!existsSync(path.join(restored, 'PG_VERSION')))
      throw new StoreError('BACKUP_FAILED', `${file} holds no embedded database`);
    if (!existsSync(data)) {
      await rename(restored, data);
      const before = folderAside(folder);
      return before === undefined ? undefined : path.join(folder, before);
    }
    await rename(data, old);
    try {
      await rename(restored, data);
    } catch (error) {
      await rename(old, data);
      throw error;
    }
    return old;
  } finally {
    await rm(unpacked, { recursive: true, force: true });
    lock.release();
  }
}

async function dump(url: string, file: string): Promise<void> {
  const schemas = SCHEMAS.map((schema) => `--schema=${schema}`);
  await withPasswordApart(url, (location) =>
    run('pg_dump', ['--format=custom', ...schemas, `--file=${file}`, location]),
  );
}

async function restoreServer(
  { url }: { readonly url: string },
  file: string,
  ending: string,
): Promise<string | undefined> {
  const server = await connectPostgres(url, 1);
  try {
    await mustBeAlone(server);
    const there = await schemasOf(server);
    const aside = there.map((schema) => `ALTER SCHEMA ${schema} RENAME TO ${schema}${ending};`);
    await withPasswordApart(url, (location) => replay(location, path.resolve(file), aside.join('\n')));
    return there.length === 0 ? undefined : there.map((schema) => `${schema}${ending}`).join(', ');
  } finally {
    await server.close();
  }
}

/** Runs `before` and a dump's statements in one transaction: cut off at any point, it has done nothing. */
async function replay(location: string, file: string, before: string): Promise<void> {
  const script = spawn('pg_restore', ['--no-owner', '--file=-', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const quiet = ['--no-psqlrc', '--quiet', '--output=/dev/null', '--set=ON_ERROR_STOP=1'];
  const session = spawn('psql', [...quiet, '--file=-', location], { stdio: ['pipe', 'ignore', 'pipe'] });
  // Its end says why it takes no more.
  session.stdin.on('error', () => undefined);
  session.stdin.write(`BEGIN;\n${before}\n`);
  script.stdout.pipe(session.stdin, { end: false });
  // Where no COMMIT comes, the server undoes everything.
  const written = ended('pg_restore', script).then(
    () => session.stdin.end('COMMIT;\n'),
    (error: unknown) => {
      session.stdin.destroy();
      throw error;
    },
  );
  const taken = ended('psql', session).finally(() => {
    script.kill();
    script.stdout.destroy();
  });
  const both = [written, taken];
  try {
    await Promise.all(both);
  } finally {
    await Promise.allSettled(both);
  }
}

async function ended(
  program: string,
  child: ChildProcessByStdio<Writable | null, Readable | null, Readable>,
): Promise<void> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_KEPT)));
  const failed = (why: string, cause?: unknown) =>
    new StoreError('BACKUP_FAILED', `${program}: ${why}`, { cause });
  const [code, signal] = await once(child, 'close').catch((cause: unknown) => {
    throw failed(codeOf(cause) === 'ENOENT' ? 'it is not installed' : messageOf(cause), cause);
  });
  if (code !== 0) throw failed(said.trim() || `it ended with ${signal ?? code}`);
}

/** Other connections of nodes to this database: they would go on writing to what is put aside. */
async function mustBeAlone(server: Sql): Promise<void> {
  const others = await server.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
      AND application_name = 'pansegnet-node' AND pid <> pg_backend_pid()`,
  );
  if (others.length > 0)
    throw new StoreError('DATABASE_IN_USE', `${others.length} connections of running nodes: stop the nodes`);
}

async function schemasOf(server: Sql): Promise<string[]> {
  const rows = await server.query('SELECT nspname FROM pg_namespace');
  const names = new Set(rows.map((row) => row['nspname']));
  return SCHEMAS.filter((schema) => names.has(schema));
}

/** Command lines can be read by every user of the machine: the password goes by a file that libpq reads. */
async function withPasswordApart(url: string, work: (location: string) => Promise<void>): Promise<void> {
  const location = new URL(url);
  if (location.password === '') return work(url);
  const folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-'));
  try {
    const passwords = path.join(folder, 'passwords');
    const password = decodeURIComponent(location.password).replaceAll(/[\\:]/g, '\\$&');
    await writeFile(passwords, `*:*:*:*:${password}\n`, { mode: 0o600 });
    location.password = '';
    location.searchParams.set('passfile', passwords);
    await work(location.href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function mustBegin(file: string, kind: keyof typeof BEGINNINGS): Promise<void> {
  const beginning = BEGINNINGS[kind];
  const read = Buffer.alloc(beginning.length);
  try {
    await using handle = await open(file);
    await handle.read(read, 0, read.length, 0);
  } catch (cause) {
    throw new StoreError('BACKUP_FAILED', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (!read.equals(beginning)) {
    const other = kind === 'server' ? 'pg_dump --format=custom' : 'the embedded database';
    throw new StoreError('BACKUP_FAILED', `${file} is no backup of ${other}`);
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(program, args);
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const why = codeOf(cause) === 'ENOENT' ? 'it is not installed' : said || messageOf(cause);
    throw new StoreError('BACKUP_FAILED', `${program}: ${why}`, { cause });
  }
}
