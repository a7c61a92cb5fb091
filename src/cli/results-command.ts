import { type Command, InvalidArgumentError } from 'commander';
import { openArchive } from '../compose/archive.ts';
import { openConfiguredDatabase } from '../compose/database.ts';
import { createLogger } from '../compose/logger.ts';
import { loadConfig } from '../config.ts';
import { withdrawResult } from '../pipeline/withdraw/withdraw-result.ts';
import { isRejectionReason, REJECTION_REASONS, type RejectionReason } from '../sr/rejection-reasons.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import { print } from './print.ts';

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
  const { series, report, reason, comment, json, config: file } = options;
  const uid = series ?? report;
  if (uid === undefined) return command.error('error: name the result, by --series or --report');
  const config = loadConfig({ file });
  const database = await openConfiguredDatabase(config);
  try {
    const archive = await openArchive(config, createLogger(config));
    try {
      const { volume, note, instances } = await withdrawResult(
        { uid, reason, comment },
        { archive: archive.client, database, softwareVersion: SOFTWARE_VERSION, now: () => new Date() },
      );
      print(
        json
          ? JSON.stringify({ report: volume.report.sopInstanceUid, note, instances })
          : `withdrawn: ${volume.volumeMl.toFixed(1)} ml of ${volume.studyDate || 'no date'}; rejection note ${note} names ${instances} instances`,
      );
    } finally {
      await archive.close();
    }
  } finally {
    await database.close();
  }
}
