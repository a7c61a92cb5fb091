import { existsSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { messageOf } from '../../coded-error.ts';
import { StoreError } from '../store-error.ts';
import { DATA_FOLDER, type DatabasePlace } from './database.ts';
import { lockFolder } from './folder-lock.ts';
import { MIGRATIONS } from './migration-steps.ts';
import { connectPostgres } from './postgres.ts';
import { schemaVersion } from './schema-version.ts';

export interface DatabaseState {
  /** `older`: the next start migrates it. `newer`: this program refuses it. */
  readonly state: 'absent' | 'older' | 'current' | 'newer';
  readonly version: number;
  /** The version that this program makes. */
  readonly newest: number;
}

/**
 * Looks at a database and changes nothing: neither makes nor migrates it.
 * @throws StoreError DATABASE_IN_USE, DATABASE_UNUSABLE
 */
export async function inspectDatabase(place: DatabasePlace): Promise<DatabaseState> {
  if ('memory' in place) return describe(undefined);
  if ('url' in place) {
    const server = await connectPostgres(place.url, 1);
    try {
      return describe(await schemaVersion((sql) => server.query(sql)));
    } finally {
      await server.close();
    }
  }
  const data = path.join(place.folder, DATA_FOLDER);
  if (!existsSync(data)) return describe(undefined);
  const lock = await lockFolder(place.folder);
  try {
    const pglite = await PGlite.create(data);
    try {
      return describe(await schemaVersion(async (sql) => (await pglite.query(sql)).rows));
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
