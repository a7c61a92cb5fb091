import { type Command, InvalidArgumentError } from 'commander';
import { withdrawCommand } from '../compose/commands/withdraw.ts';
import { isRejectionReason, REJECTION_REASONS, type RejectionReason } from '../sr/rejection-reasons.ts';
import { runNodeCommand } from './node-command.ts';

interface WithdrawOptions {
  series?: string;
  report?: string;
  reason: RejectionReason;
  comment?: string;
  json?: true;
  config?: string;
}

/** @throws InvalidArgumentError for another word */
export function parseReason(word: string): RejectionReason {
  if (isRejectionReason(word)) return word;
  throw new InvalidArgumentError(`Choose one of ${Object.keys(REJECTION_REASONS).join(', ')}.`);
}

/** Stores a rejection note for a result, and marks it in the history. */
export async function withdraw(options: WithdrawOptions, command: Command): Promise<void> {
  const { series, report, reason, comment, json, config } = options;
  const uid = series ?? report;
  if (uid === undefined) return command.error('error: name the result, by --series or --report');
  await runNodeCommand(withdrawCommand, { uid, reason, comment, json: json ?? false }, { config });
}
