import { z } from 'zod';
import { planBackfill, startBackfill } from '../arrivals/watch/backfill.ts';
import { nobodyTest, patientKeys } from '../store/records/patient-key.ts';
import { defineCommand } from './definition/command.ts';
import { flag, jsonFlag, option } from './definition/field.ts';
import { daySchema } from './options/day.ts';
import { estimate, refuseUnconfirmed } from './options/estimate.ts';

/**
 * Puts what an archive held before the node came behind everything else; without --yes it tells what that is.
 */
export const historyBackfill = defineCommand({
  name: 'history backfill',
  help: 'have the studies measured that the archive held before the node came',
  runs: 'in-node',
  options: z
    .strictObject({
      since: option('--since <day>', 'first StudyDate, such as 2015-01-01', daySchema),
      until: option('--until <day>', 'last StudyDate; default: today', daySchema.optional()),
      dryRun: flag('--dry-run', 'tell how many studies that are, and how long they take'),
      yes: flag('--yes', 'start it'),
      json: jsonFlag,
    })
    .refine(({ dryRun, yes }) => !(dryRun && yes), "option '--dry-run' cannot be used with option '--yes'"),
  run: async ({ since, until = today(new Date()), dryRun, yes, json }, parts) => {
    const { config, database, archive, print, onProgress, signal } = parts;
    const { placeholderIds } = config.patients;
    const plan = await planBackfill(
      {
        archive: await archive(),
        database,
        namesNobody: nobodyTest(placeholderIds),
        patientKey: await patientKeys(database, placeholderIds),
        pageSize: config.watch.pageSize,
        signal,
        onMonth: (subject, done, total) => onProgress({ stage: 'list studies', subject, done, total }),
      },
      { since, until },
    );
    const { open, known, ofNobody } = plan;
    const takes = await estimate(database, open.length, config.queue.concurrency);
    if (yes) await startBackfill(database, plan, new Date());
    if (json) print(JSON.stringify({ studies: open.length, known, ofNobody, started: yes, estimate: takes }));
    else {
      print(`${open.length} studies with CT or MR are to be measured; ${takes}`);
      print(
        `${known} are measured, refused or on their way; ${ofNobody} have no PatientID that names anybody`,
      );
      if (yes) print('they are behind everything else from now on; `queue list` tells how many are left');
    }
    if (!yes && !dryRun) refuseUnconfirmed('history backfill');
  },
});

/** DA, in the node's own time zone. */
const today = (now: Date): string =>
  [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((one) => String(one).padStart(2, '0')).join('');
