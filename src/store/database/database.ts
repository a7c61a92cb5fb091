import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { fromPglite } from 'pg-boss';
import { messageOf } from '../../coded-error.ts';
import { StoreError } from '../store-error.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { migrate } from './migrations.ts';
import { connectPostgres, MIGRATION_TIMEOUT_MS } from './postgres.ts';
import { cutOff, folderAside, schemaAside } from './put-aside.ts';
import { schemaVersion } from './schema-version.ts';
import type { Database, Row } from './sql.ts';
import { openSyncedPglite } from './synced-pglite.ts';

/**
 * Where the data is: in a folder of this process's own, or on a PostgreSQL server that others share. `memory`
 * forgets everything at the end; it is for commands that need no past.
 */
export type DatabasePlace =
  | { readonly folder: string }
  | { readonly url: string; readonly connections: number }
  | { readonly memory: true };

/** Where something stays. */
export type LastingPlace = Exclude<DatabasePlace, { readonly memory: true }>;

export const DATA_FOLDER = 'data';
/**
 * A new database is made under this name and renamed when it is whole: a kill in between leaves nothing
 * half-made.
 */
const UNFINISHED_FOLDER = 'data.new';

/**
 * Opens the database and brings its tables up to date.
 * @param mayCreate whether a new one is made where there is none: a command that was called in the wrong
 *   folder must not answer from an empty one
 * @throws StoreError DATABASE_ABSENT, DATABASE_IN_USE, DATABASE_NEWER, DATABASE_UNUSABLE
 */
export async function openDatabase(place: DatabasePlace, { mayCreate = true } = {}): Promise<Database> {
  if ('memory' in place) return migrated(embedded(await PGlite.create('memory://')));
  if ('url' in place) {
    const patient = await connectPostgres(place.url, 1, MIGRATION_TIMEOUT_MS);
    await (await migrated(patient, { mayCreate })).close();
    return connectPostgres(place.url, place.connections);
  }
  // Asked before the lock, which would make the folder.
  const folder = path.resolve(place.folder);
  if (!mayCreate) mustBeThere(folder, false);
  const lock = await lockFolder(folder);
  try {
    mustBeThere(folder, mayCreate);
    return await migrated(embedded(await openFolder(folder), lock));
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** @param mayCreate of a server: whether its tables are made where there are none */
async function migrated(database: Database, server?: { readonly mayCreate: boolean }): Promise<Database> {
  try {
    const ask = (sql: string) => database.query(sql);
    if (server && (await schemaVersion(ask)) === undefined) {
      const aside = await schemaAside(ask);
      if (aside !== undefined) throw cutOff(SERVER, aside);
      if (!server.mayCreate) throw absent(SERVER);
    }
    await migrate(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

const SERVER = 'the PostgreSQL server of database.url';

function mustBeThere(folder: string, mayCreate: boolean): void {
  if (existsSync(path.join(folder, DATA_FOLDER))) return;
  const aside = folderAside(folder);
  if (aside !== undefined) throw cutOff(folder, aside);
  if (!mayCreate) throw absent(`the folder ${folder}`);
}

const absent = (where: string): StoreError =>
  new StoreError('DATABASE_ABSENT', `there is no node's database in ${where}`);

/** PGlite ends by an abort of its WebAssembly where its files are not as it left them, and says no more. */
function inWords(cause: unknown): string {
  const message = messageOf(cause);
  const isAbort = /^Aborted\(|unreachable|memory access out of bounds|failed to initialize/.test(message);
  return isAbort ? 'its files are damaged, or not for this user to read and write' : message;
}

async function openFolder(folder: string): Promise<PGlite> {
  const data = path.join(folder, DATA_FOLDER);
  try {
    if (!existsSync(data)) {
      const unfinished = path.join(folder, UNFINISHED_FOLDER);
      rmSync(unfinished, { recursive: true, force: true });
      await (await PGlite.create(unfinished)).close();
      renameSync(unfinished, data);
    }
    return await openSyncedPglite(data);
  } catch (cause) {
    throw new StoreError(
      'DATABASE_UNUSABLE',
      `the database in ${folder} cannot be opened: ${inWords(cause)}`,
      {
        cause,
      },
    );
  }
}

function embedded(pglite: PGlite, lock?: FolderLock): Database {
  return {
    kind: 'embedded',
    boss: { db: fromPglite(pglite), backend: 'pglite' },
    query: (sql, parameters) => runOn(pglite, sql, parameters),
    transaction: (work) =>
      pglite.transaction((tx) => work({ query: (sql, parameters) => runOn(tx, sql, parameters) })),
    close: async () => {
      if (!pglite.closed) await pglite.close();
      lock?.release();
    },
  };
}

async function runOn(
  target: Pick<PGlite, 'query' | 'exec'>,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  if (parameters.length > 0) return (await target.query<Row>(sql, [...parameters])).rows;
  return (await target.exec(sql)).flatMap(({ rows }) => rows);
}
