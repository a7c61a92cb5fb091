import { z } from 'zod';
import { installedSite } from '../compose/run.ts';
import { withdrawResult } from '../pipeline/withdraw/withdraw-result.ts';
import { isRejectionReason, REJECTION_REASONS } from '../sr/rejection-reasons.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag, option, optionalText } from './definition/field.ts';

const reasonWord = z
  .string()
  .refine(isRejectionReason, `Choose one of ${Object.keys(REJECTION_REASONS).join(', ')}.`);
const someUid = z.string().min(1, 'It is empty.').optional();

/** Stores a rejection note for a result, and marks it in the history. */
export const resultsWithdraw = defineCommand({
  name: 'results withdraw',
  help: 'store a rejection note for a result that is wrong, and mark it in the history',
  runs: 'in-node',
  options: z
    .strictObject({
      seriesInstanceUid: option('--series <uid>', 'series of its SEG or its report', someUid),
      reportSopInstanceUid: option('--report <uid>', 'SOP Instance UID of its report', someUid),
      reason: option(
        '--reason <reason>',
        'quality, safety, worklist (wrong patient or order), expired (retention)',
        reasonWord,
      ),
      comment: option('--comment <text>', 'why, in your words', optionalText),
      json: jsonFlag,
    })
    .refine(
      (named) => (named.seriesInstanceUid === undefined) !== (named.reportSopInstanceUid === undefined),
      'name the result, by one of --series and --report',
    ),
  run: async ({ seriesInstanceUid, reportSopInstanceUid, reason, comment, json }, parts) => {
    const { archive, config, database, print } = parts;
    const uid = seriesInstanceUid ?? reportSopInstanceUid;
    if (uid === undefined) throw new TypeError('these options name no result');
    const { volume, note, instances } = await withdrawResult(
      { uid, reason, comment },
      {
        archive: await archive(),
        database,
        softwareVersion: SOFTWARE_VERSION,
        site: await installedSite(config, database),
        now: () => new Date(),
      },
    );
    print(
      json
        ? JSON.stringify({ report: volume.report.sopInstanceUid, note, instances })
        : `withdrawn: ${volume.volumeMl.toFixed(1)} ml of ${volume.studyDate || 'no date'}; ` +
            `rejection note ${note} names ${instances} instances`,
    );
  },
});
