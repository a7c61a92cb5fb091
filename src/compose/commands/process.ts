import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isUid } from '../../dicom/uids.ts';
import { runStudy } from '../../pipeline/run-study.ts';
import { SEGMENTED_CLASSES } from '../../pipeline/selection/rules.ts';
import { composeRun } from '../run.ts';
import { defineCommand } from './command.ts';

/** Fetches one study from the archive and processes it now; a named series is taken whatever the rules say. */
export const processCommand = defineCommand({
  name: 'process',
  options: z.object({
    study: z.string().refine(isUid, 'is no UID'),
    series: z.string().refine(isUid, 'is no UID').optional(),
    class: z.enum(SEGMENTED_CLASSES).optional(),
  }),
  run: async ({ study, series, class: seriesClass }, parts) => {
    const { config, database, print, onProgress, warn, signal } = parts;
    const run = await composeRun(config, {
      archive: await parts.archive(),
      database,
      warn,
      onProgress,
    });
    const job = { studyInstanceUid: study, requestId: randomUUID() };
    const forced = series === undefined ? undefined : { seriesInstanceUid: series, class: seriesClass };
    const { decisions, volumes, skipped } = await runStudy(job, run, signal, forced);
    if (skipped) print(`skipped: ${skipped}`);
    for (const { chosen, description, reason } of decisions) {
      print(`${chosen ? 'taken' : 'left'}: "${description}": ${reason}`);
    }
    for (const { class: modality, volumeMl } of volumes)
      print(`pancreas ${volumeMl.toFixed(1)} ml (${modality})`);
  },
});
