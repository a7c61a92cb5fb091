import { z } from 'zod';
import { modeOf } from '../compose/run.ts';
import { MODES } from '../inference-mode.ts';
import { requestStudy } from '../queue/request-study.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { studiesToRemeasure } from '../store/records/history.ts';
import { defineCommand } from './definition/command.ts';
import { flag, jsonFlag, option, optionalText, requiredText } from './definition/field.ts';
import { daySchema } from './options/day.ts';
import { estimate, refuseUnconfirmed } from './options/estimate.ts';

/**
 * Has what stands in the history measured by another model, so that trends go on; reports stay as they are.
 */
export const historyRemeasure = defineCommand({
  name: 'history remeasure',
  help: 'have the images of the history measured by another model, for the history alone',
  runs: 'in-node',
  options: z
    .strictObject({
      model: option('--model <name>', 'name of the model', requiredText),
      mode: option('--mode <mode>', 'how; default: as new studies are measured', z.enum(MODES).optional()),
      patientKey: option('--patient <key>', 'of one patient, by the key that the pages show', optionalText),
      since: option('--since <day>', 'only studies of that day or later', daySchema.optional()),
      dryRun: flag('--dry-run', 'tell how many studies that are, and how long they take'),
      yes: flag('--yes', 'start it'),
      json: jsonFlag,
    })
    .refine(({ dryRun, yes }) => !(dryRun && yes), "option '--dry-run' cannot be used with option '--yes'"),
  run: async ({ model: name, mode: asked, patientKey, since, dryRun, yes, json }, parts) => {
    const { config, database, queue: open, print, onProgress } = parts;
    const model = await loadModel(name, [config.models.folder]);
    const mode = asked ?? (await modeOf(config, database));
    const { title, version } = model.info;
    const identity = { ...model.info, sha256: model.sha256, mode };
    const which = { class: model.info.modality, model: identity, patientKey, since };
    const studies = await studiesToRemeasure(database, which);
    const takes = await estimate(database, studies.length, config.queue.concurrency);
    let queued = 0;
    if (yes) {
      const queue = await open();
      for (const [done, study] of studies.entries()) {
        onProgress({ stage: 'queue', subject: title, done, total: studies.length });
        const measureWith = { model: name, mode, sha256: model.sha256 };
        const request = { ...study, reason: 'remeasured', measureWith, now: new Date() } as const;
        if (await requestStudy({ database, queue }, request)) queued += 1;
      }
    }
    if (json) print(JSON.stringify({ studies: studies.length, mode, started: yes, queued, estimate: takes }));
    else {
      print(
        `${studies.length} studies were not measured by ${name} (${title} ${version}) in ${mode} mode; ` +
          takes,
      );
      if (yes) {
        print(`${queued} are behind everything else from now on; \`queue list\` tells how many are left`);
        if (queued < studies.length) print('the others wait already, or the queue is being drained');
      }
    }
    if (!yes && !dryRun) refuseUnconfirmed('history remeasure');
  },
});
