import type { Command } from 'commander';
import {
  queueDropCommand,
  queueListCommand,
  queueModeCommand,
  queueRequeueCommand,
} from '../compose/commands/queue.ts';
import type { QueueMode } from '../queue/queue-mode.ts';
import { runNodeCommand } from './node-command.ts';

interface ListOptions {
  json?: boolean;
  config?: string;
}

export async function listQueue({ json = false, config }: ListOptions): Promise<void> {
  await runNodeCommand(queueListCommand, { json }, { config });
}

interface ChoiceOptions {
  all?: boolean;
  config?: string;
}

/** What `queue requeue` and `queue drop` do: on one study, or on all that were given up. */
const onChosen =
  (nodeCommand: typeof queueDropCommand) =>
  async (
    study: string | undefined,
    { all = false, config }: ChoiceOptions,
    command: Command,
  ): Promise<void> => {
    if (all === (study !== undefined)) return command.error('error: name a study, or --all');
    await runNodeCommand(nodeCommand, { study, all }, { config });
  };
export const requeueStudies = onChosen(queueRequeueCommand);
export const dropStudies = onChosen(queueDropCommand);

/** What `queue pause`, `queue drain` and `queue resume` do. */
export const setQueueMode =
  (mode: QueueMode) =>
  ({ config }: { config?: string }): Promise<void> =>
    runNodeCommand(queueModeCommand, { mode }, { config });
