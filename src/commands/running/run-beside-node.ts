import { dataPlaces, refuseForeignData } from '../../compose/data-owner.ts';
import { localAccessFile } from '../../compose/doors.ts';
import { createLogger } from '../../compose/logger.ts';
import type { Config } from '../../config.ts';
import { readLocalAccess } from '../../http/security/local-access.ts';
import { StoreError } from '../../store/store-error.ts';
import type { PreparedCommand } from '../definition/command.ts';
import { createProgressDisplay } from '../terminal/progress.ts';
import { runInNode } from './in-running-node.ts';
import { runInOwnProcess } from './own-process.ts';

/** Does a command here, or, where a node runs on the database, has that node do it. */
export async function runBesideNode(
  {
    name,
    options,
    mayCreateDatabase,
    worksWithoutDatabase,
    run,
  }: PreparedCommand<'in-node'> & { readonly name: string },
  configure: () => Config,
): Promise<void> {
  const config = configure();
  refuseForeignData(dataPlaces(config));
  const logger = createLogger(config);
  const progress = createProgressDisplay();
  const outputs = {
    print: (line: string) => progress.result(line),
    onProgress: progress.listener,
    warn: (fields: object, message: string) => logger.warn(fields, message),
    signal: new AbortController().signal,
  };
  try {
    const databaseNeed = { mayCreateDatabase, worksWithoutDatabase };
    await runInOwnProcess(run, { ...outputs, config, logger, ...databaseNeed });
  } catch (error) {
    const node = isInUse(error) ? await readLocalAccess(localAccessFile(config)) : undefined;
    if (!node) throw error;
    await runInNode(node, { name, options }, outputs);
  } finally {
    progress.stop();
  }
}

const isInUse = (error: unknown): boolean => error instanceof StoreError && error.code === 'DATABASE_IN_USE';
