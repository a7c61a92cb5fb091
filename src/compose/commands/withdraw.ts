import { z } from 'zod';
import { withdrawResult } from '../../pipeline/withdraw/withdraw-result.ts';
import { isRejectionReason } from '../../sr/rejection-reasons.ts';
import { SOFTWARE_VERSION } from '../../version.ts';
import { defineCommand } from './command.ts';

/** Stores a rejection note for a result, and marks it in the history. */
export const withdrawCommand = defineCommand({
  name: 'results-withdraw',
  options: z.object({
    uid: z.string().min(1),
    reason: z.string().refine(isRejectionReason),
    comment: z.string().optional(),
    json: z.boolean(),
  }),
  run: async ({ uid, reason, comment, json }, { archive, database, print }) => {
    const { volume, note, instances } = await withdrawResult(
      { uid, reason, comment },
      { archive: await archive(), database, softwareVersion: SOFTWARE_VERSION, now: () => new Date() },
    );
    print(
      json
        ? JSON.stringify({ report: volume.report.sopInstanceUid, note, instances })
        : `withdrawn: ${volume.volumeMl.toFixed(1)} ml of ${volume.studyDate || 'no date'}; rejection note ${note} names ${instances} instances`,
    );
  },
});
