import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { composeRun } from '../compose/run.ts';
import { isUid } from '../dicom/uids.ts';
import { runStudy } from '../pipeline/run-study.ts';
import { SEGMENTED_CLASSES } from '../pipeline/selection/rules.ts';
import { defineCommand } from './definition/command.ts';
import { option } from './definition/field.ts';

const uid = z.string().refine(isUid, 'It is no UID.');

/**
 * Fetches one study from the archive and processes it now; a named series is taken whatever the rules say.
 */
export const processStudy = defineCommand({
  name: 'process',
  help: 'fetch one study from the archive and process it now',
  runs: 'in-node',
  options: z.strictObject({
    studyInstanceUid: option('--study <uid>', 'Study Instance UID', uid),
    seriesInstanceUid: option('--series <uid>', 'take this series, whatever the rules say', uid.optional()),
    class: option('--class <class>', 'what the series is', z.enum(SEGMENTED_CLASSES).optional()),
  }),
  run: async ({ studyInstanceUid, seriesInstanceUid, class: seriesClass }, parts) => {
    const { config, database, print, onProgress, warn, signal } = parts;
    const run = await composeRun(config, { archive: await parts.archive(), database, warn, onProgress });
    const job = { studyInstanceUid, requestId: randomUUID() };
    const forced = seriesInstanceUid === undefined ? undefined : { seriesInstanceUid, class: seriesClass };
    const { decisions, volumes, skipped } = await runStudy(job, run, signal, forced);
    if (skipped) print(`skipped: ${skipped}`);
    for (const { chosen, description, reason } of decisions) {
      print(`${chosen ? 'taken' : 'left'}: "${description}": ${reason}`);
    }
    for (const { class: modality, volumeMl } of volumes)
      print(`pancreas ${volumeMl.toFixed(1)} ml (${modality})`);
  },
});
