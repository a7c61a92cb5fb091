import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { fromPglite } from 'pg-boss';
import { messageOf } from '../../coded-error.ts';
import { StoreError } from '../store-error.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { migrate } from './migrations.ts';
import { connectPostgres } from './postgres.ts';
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

export const DATA_FOLDER = 'data';
/**
 * A new database is made under this name and renamed when it is whole: a kill in between leaves nothing
 * half-made.
 */
const UNFINISHED_FOLDER = 'data.new';

/**
 * Opens the database, makes it where there is none, and brings its tables up to date.
 * @throws StoreError DATABASE_IN_USE, DATABASE_NEWER, DATABASE_UNUSABLE
 */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  if ('memory' in place) return migrated(embedded(await PGlite.create('memory://')));
  if ('url' in place) return migrated(await connectPostgres(place.url, place.connections));
  const lock = await lockFolder(place.folder);
  try {
    return await migrated(embedded(await openFolder(place.folder), lock));
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function migrated(database: Database): Promise<Database> {
  try {
    await migrate(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
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
      `the database in ${folder} cannot be opened: ${messageOf(cause)}`,
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
