import { z } from 'zod';
import { rebuildHistory } from '../pipeline/rebuild/rebuild-history.ts';
import { patientKeys } from '../store/records/patient-key.ts';
import { headerRecorder } from '../store/records/study-header.ts';
import { defineCommand } from './definition/command.ts';
import { flag, jsonFlag } from './definition/field.ts';

export const historyRebuild = defineCommand({
  name: 'history rebuild',
  help: 'write the history anew from the reports in the archive',
  runs: 'in-node',
  options: z.strictObject({
    json: jsonFlag,
    isNew: flag('--new', 'make a new database, where the old one is lost'),
  }),
  mayCreateDatabase: ({ isNew }) => isNew,
  run: async ({ json }, { config, database, archive: open, print, onProgress, warn, signal }) => {
    const archive = await open();
    const { placeholderIds } = config.patients;
    const rebuilt = await rebuildHistory({
      recordHeader: await headerRecorder(database, { names: config.pages.patientNames, placeholderIds }),
      archive,
      database,
      patientKey: await patientKeys(database, placeholderIds),
      pageSize: config.watch.pageSize,
      now: () => new Date(),
      warn,
      signal,
      onStudy: (done) => {
        if (done === 1) onProgress({ stage: 'read reports', subject: archive.url });
      },
    });
    const { studies, reports, volumes, kept } = rebuilt;
    print(
      json
        ? JSON.stringify(rebuilt)
        : `${volumes} volumes from ${reports} reports in ${studies} studies; ${kept} that the ` +
            'archive does not hold were kept',
    );
  },
});
