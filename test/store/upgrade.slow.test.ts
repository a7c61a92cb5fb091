import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe } from 'vitest';
import { DATA_FOLDER, openDatabase } from '../../src/store/database/database.ts';
import { onServer, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';
import { upgradeBehaviour } from '../support/upgrade-behaviour.ts';

describe('an upgrade of the embedded database', () => {
  upgradeBehaviour(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'upgrade-'));
    return {
      load: async (sql) => {
        const earlier = await PGlite.create(path.join(folder, DATA_FOLDER));
        await earlier.exec(sql);
        await earlier.close();
      },
      open: () => openDatabase({ folder }),
      remove: () => rm(folder, { recursive: true }),
    };
  });
});

describeWith(['postgresql'], 'an upgrade of a database on a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  upgradeBehaviour(async () => {
    const url = await server.newDatabase();
    return {
      load: (sql) => onServer(url, sql),
      open: () => openDatabase({ url, connections: 3 }),
      remove: async () => undefined,
    };
  });
});
