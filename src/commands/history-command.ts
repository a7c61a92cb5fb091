import type { Command } from 'commander';
import { historyCommand, rebuildCommand } from '../compose/commands/history.ts';
import { runNodeCommand } from './node-command.ts';

interface HistoryOptions {
  patient?: string;
  json?: true;
  csv?: true;
  config?: string;
}

/** All volumes, or one patient's, oldest study first. */
export async function showHistory({ patient, json, csv, config }: HistoryOptions): Promise<void> {
  const form = json ? 'json' : csv ? 'csv' : 'text';
  await runNodeCommand(historyCommand, { patient, form }, { config });
}

/** Options of `history` itself stand before `rebuild`, or behind it. */
export async function rebuildVolumeHistory(_: object, command: Command): Promise<void> {
  const { json = false, config } = command.optsWithGlobals<HistoryOptions>();
  await runNodeCommand(rebuildCommand, { json }, { config });
}
