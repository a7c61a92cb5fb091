import type { Logger } from 'pino';
import { codeOf } from '../../coded-error.ts';
import { openArchive } from '../../compose/archive.ts';
import { openConfiguredDatabase } from '../../compose/database.ts';
import { openEngine, openQueue } from '../../compose/queue.ts';
import type { Config } from '../../config.ts';
import { openDatabase } from '../../store/database/database.ts';
import type { Database } from '../../store/database/sql.ts';
import type { CommandParts } from '../definition/command.ts';

type Outputs = Pick<CommandParts, 'print' | 'onProgress' | 'warn' | 'signal'>;

interface Own extends Outputs {
  readonly config: Config;
  readonly logger: Logger;
  readonly mayCreateDatabase: boolean;
  readonly worksWithoutDatabase: boolean;
}

/**
 * Runs a command in this process, with a database, an archive and a queue of its own.
 * @throws StoreError DATABASE_ABSENT where there is none; DATABASE_IN_USE where a node runs on the embedded
 *   database
 */
export async function runInOwnProcess(
  run: (parts: CommandParts) => Promise<void>,
  { config, logger, mayCreateDatabase, worksWithoutDatabase, ...outputs }: Own,
): Promise<void> {
  // What is opened later works with what was opened before, and is closed first.
  await using open = new AsyncDisposableStack();
  const opened = openConfiguredDatabase(config, { mayCreate: mayCreateDatabase });
  const found = worksWithoutDatabase ? opened.catch(emptyWhereAbsent) : opened;
  const database = open.adopt(await found, (it) => it.close());
  await run({
    ...outputs,
    config,
    database,
    archive: async () =>
      open.adopt(await openArchive(config, { logger, database }), (it) => it.close()).client,
    queue: async () => {
      const engine = open.adopt(await openEngine(database, logger), (it) => it.stop());
      return open.adopt(await openQueue(config, engine), (it) => it.stop({ graceMs: 0 }));
    },
  });
}

function emptyWhereAbsent(error: unknown): Promise<Database> {
  if (codeOf(error) === 'DATABASE_ABSENT') return openDatabase({ memory: true });
  throw error;
}
