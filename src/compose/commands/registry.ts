import type { NodeCommand } from './command.ts';
import { historyCommand, rebuildCommand } from './history.ts';
import { optOutAddCommand, optOutListCommand, optOutRemoveCommand } from './opt-out.ts';
import { processCommand } from './process.ts';
import { queueDropCommand, queueListCommand, queueModeCommand, queueRequeueCommand } from './queue.ts';
import { withdrawCommand } from './withdraw.ts';

/** Runs a command with options that came from elsewhere. */
type Runnable = (options: unknown, parts: Parameters<NodeCommand<unknown>['run']>[1]) => Promise<void>;

const checked =
  <Options>(command: NodeCommand<Options>): Runnable =>
  (options, parts) =>
    command.run(command.options.parse(options), parts);

/** Every command that a running node does for one of another process, by name. */
export const COMMANDS: ReadonlyMap<string, Runnable> = new Map([
  [historyCommand.name, checked(historyCommand)],
  [rebuildCommand.name, checked(rebuildCommand)],
  [processCommand.name, checked(processCommand)],
  [withdrawCommand.name, checked(withdrawCommand)],
  [queueListCommand.name, checked(queueListCommand)],
  [queueRequeueCommand.name, checked(queueRequeueCommand)],
  [queueDropCommand.name, checked(queueDropCommand)],
  [queueModeCommand.name, checked(queueModeCommand)],
  [optOutAddCommand.name, checked(optOutAddCommand)],
  [optOutRemoveCommand.name, checked(optOutRemoveCommand)],
  [optOutListCommand.name, checked(optOutListCommand)],
]);
