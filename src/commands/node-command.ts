import type { NodeCommand } from '../compose/commands/command.ts';
import { runInNode } from '../compose/commands/in-running-node.ts';
import { runInOwnProcess } from '../compose/commands/own-process.ts';
import { localAccessFile } from '../compose/doors.ts';
import { createLogger } from '../compose/logger.ts';
import { loadConfig } from '../config.ts';
import { readLocalAccess } from '../http/security/local-access.ts';
import { StoreError } from '../store/store-error.ts';
import { createProgressDisplay } from './progress.ts';

/** Does a command here, or, where a node runs on the database, has that node do it. */
export async function runNodeCommand<Options>(
  command: NodeCommand<Options>,
  options: Options,
  { config: file }: { readonly config?: string | undefined },
): Promise<void> {
  const config = loadConfig({ file });
  const logger = createLogger(config);
  const progress = createProgressDisplay();
  const outputs = {
    print: (line: string) => progress.result(line),
    onProgress: progress.listener,
    warn: (fields: object, message: string) => logger.warn(fields, message),
    signal: new AbortController().signal,
  };
  try {
    await runInOwnProcess(command, options, { ...outputs, config, logger });
  } catch (error) {
    const node = isInUse(error) ? await readLocalAccess(localAccessFile(config)) : undefined;
    if (!node) throw error;
    await runInNode(node, command, options, outputs);
  } finally {
    progress.stop();
  }
}

const isInUse = (error: unknown): boolean => error instanceof StoreError && error.code === 'DATABASE_IN_USE';
