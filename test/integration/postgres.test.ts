import { afterAll, beforeAll, describe } from 'vitest';
import { openDatabase } from '../../src/pipeline/database/database.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { queueBehaviour } from '../support/queue-behaviour.ts';
import { queueControlBehaviour } from '../support/queue-control-behaviour.ts';
import { describeWith } from '../support/requires.ts';

describeWith(['postgresql'], 'on a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  const open = async () => openDatabase({ url: await server.newDatabase(), connections: 5 });

  describe('the queue', () => queueBehaviour(open));
  describe('control of the queue', () => queueControlBehaviour(open));
});
