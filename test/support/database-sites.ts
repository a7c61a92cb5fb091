import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe } from 'vitest';
import { DATA_FOLDER, openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { onServer, type PostgresServer, startPostgres } from './postgres.ts';
import { describeWith } from './requires.ts';

/**
 * An empty place for a database: `load` runs SQL there as an earlier program would have, `open` starts this
 * one on it.
 */
export interface DatabaseSite {
  /** Section `database` of the configuration of a node on it. */
  readonly section: Readonly<Record<string, string>>;
  load(sql: string): Promise<void>;
  open(): Promise<Database>;
  remove(): Promise<void>;
}

/** Describes the same of an embedded database and of one on a PostgreSQL server. */
export function describeDatabases(name: string, body: (newSite: () => Promise<DatabaseSite>) => void): void {
  describe(`${name} [embedded database]`, () => body(embeddedSite));
  describeWith(['postgresql'], `${name} [PostgreSQL server]`, () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres();
    });
    afterAll(() => server?.stop());
    body(async () => serverSite(await server.newDatabase()));
  });
}

async function embeddedSite(): Promise<DatabaseSite> {
  const folder = await mkdtemp(path.join(tmpdir(), 'upgrade-'));
  return {
    section: { folder },
    load: async (sql) => {
      const earlier = await PGlite.create(path.join(folder, DATA_FOLDER));
      await earlier.exec(sql);
      await earlier.close();
    },
    open: () => openDatabase({ folder }),
    remove: () => rm(folder, { recursive: true }),
  };
}

async function serverSite(url: string): Promise<DatabaseSite> {
  // Beside its database a node keeps a key for its log.
  const folder = await mkdtemp(path.join(tmpdir(), 'upgrade-'));
  return {
    section: { url, folder },
    load: (sql) => onServer(url, sql),
    open: () => openDatabase({ url, connections: 3 }),
    remove: () => rm(folder, { recursive: true }),
  };
}
