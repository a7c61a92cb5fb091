import type { Logger } from 'pino';
import { openArchive } from '../../compose/archive.ts';
import { openConfiguredDatabase } from '../../compose/database.ts';
import { openEngine, openQueue } from '../../compose/queue.ts';
import type { Config } from '../../config.ts';
import type { CommandParts } from '../definition/command.ts';

type Outputs = Pick<CommandParts, 'print' | 'onProgress' | 'warn' | 'signal'>;

/**
 * Runs a command in this process, with a database, an archive and a queue of its own.
 * @throws StoreError DATABASE_IN_USE where a node runs on the embedded database
 */
export async function runInOwnProcess(
  run: (parts: CommandParts) => Promise<void>,
  { config, logger, ...outputs }: Outputs & { readonly config: Config; readonly logger: Logger },
): Promise<void> {
  const database = await openConfiguredDatabase(config);
  const open: { close(): Promise<void> }[] = [database];
  try {
    await run({
      ...outputs,
      config,
      database,
      archive: async () => {
        const archive = await openArchive(config, logger);
        open.unshift(archive);
        return archive.client;
      },
      queue: async () => {
        const engine = await openEngine(database, logger);
        open.unshift({ close: () => engine.stop() });
        const queue = await openQueue(config, engine);
        open.unshift({ close: () => queue.stop({ graceMs: 0 }) });
        return queue;
      },
    });
  } finally {
    // The latest first: they work with the ones before.
    for (const part of open) await part.close();
  }
}
