import type { CommandParts, NodeCommand } from './command.ts';
import { historyCommand, rebuildCommand } from './history.ts';
import { optOutAddCommand, optOutListCommand, optOutRemoveCommand } from './opt-out.ts';
import { processCommand } from './process.ts';
import { queueDropCommand, queueListCommand, queueModeCommand, queueRequeueCommand } from './queue.ts';
import { withdrawCommand } from './withdraw.ts';

/** Takes options that came from elsewhere and gives the command with them, or throws a ZodError. */
type Checked = (options: unknown) => (parts: CommandParts) => Promise<void>;

const checked =
  <Options>(command: NodeCommand<Options>): Checked =>
  (options) => {
    const known = command.options.parse(options);
    return (parts) => command.run(known, parts);
  };

/** Every command that a running node does for one of another process, by name. */
export const COMMANDS: ReadonlyMap<string, Checked> = new Map([
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
