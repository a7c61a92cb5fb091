import { existsSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { messageOf } from '../../coded-error.ts';
import { StoreError } from '../store-error.ts';
import { DATA_FOLDER, type DatabasePlace } from './database.ts';
import { lockFolder } from './folder-lock.ts';
import { MIGRATIONS } from './migration-steps.ts';
import { connectPostgres } from './postgres.ts';
import { folderAside, schemaAside } from './put-aside.ts';
import { schemaVersion } from './schema-version.ts';
import type { Row, Sql } from './sql.ts';

export interface DatabaseState {
  /** `older`: the next start migrates it. `newer`: this program refuses it. */
  readonly state: 'absent' | 'older' | 'current' | 'newer';
  /** Where it is absent: what a restore that was cut off has put aside, a folder or a schema. */
  readonly aside?: string;
  readonly version: number;
  /** The version that this program makes. */
  readonly newest: number;
}

/**
 * Looks at a database and changes nothing: neither makes nor migrates it.
 * @throws StoreError DATABASE_IN_USE, DATABASE_UNUSABLE
 */
export const inspectDatabase = (place: DatabasePlace): Promise<DatabaseState> =>
  look(place, async (sql) => {
    const state = describe(sql && (await schemaVersion((text) => sql.query(text))));
    if (state.state !== 'absent' || 'memory' in place) return state;
    const aside =
      'url' in place ? sql && (await schemaAside((text) => sql.query(text))) : folderAside(place.folder);
    return aside === undefined ? state : { ...state, aside };
  });

/**
 * Reads from a database and changes nothing.
 * @returns undefined where there is none, or another version has made its tables
 * @throws StoreError DATABASE_IN_USE, DATABASE_UNUSABLE
 */
export const readDatabase = <T>(
  place: DatabasePlace,
  read: (sql: Sql) => Promise<T>,
): Promise<T | undefined> =>
  look(place, async (sql) => {
    const isCurrent = sql && (await schemaVersion((text) => sql.query(text))) === MIGRATIONS.length;
    return isCurrent ? read(sql) : undefined;
  });

async function look<T>(place: DatabasePlace, at: (sql: Sql | undefined) => Promise<T>): Promise<T> {
  if ('memory' in place) return at(undefined);
  if ('url' in place) {
    const server = await connectPostgres(place.url, 1);
    try {
      return await at(server);
    } finally {
      await server.close();
    }
  }
  const data = path.join(place.folder, DATA_FOLDER);
  if (!existsSync(data)) return at(undefined);
  const lock = await lockFolder(place.folder);
  try {
    const pglite = await PGlite.create(data);
    try {
      return await at({
        query: async (text, values) => (await pglite.query<Row>(text, values && [...values])).rows,
      });
    } finally {
      await pglite.close();
    }
  } catch (cause) {
    throw new StoreError(
      'DATABASE_UNUSABLE',
      `the database in ${place.folder} cannot be opened: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  } finally {
    lock.release();
  }
}

function describe(version: number | undefined): DatabaseState {
  const newest = MIGRATIONS.length;
  if (version === undefined) return { state: 'absent', version: 0, newest };
  const state = version === newest ? 'current' : version < newest ? 'older' : 'newer';
  return { state, version, newest };
}
