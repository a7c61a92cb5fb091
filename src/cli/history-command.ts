import type { Command } from 'commander';
import { openArchive } from '../compose/archive.ts';
import { openConfiguredDatabase } from '../compose/database.ts';
import { createLogger } from '../compose/logger.ts';
import { loadConfig } from '../config.ts';
import { rebuildHistory } from '../pipeline/rebuild/rebuild-history.ts';
import { allVolumes, volumesOfPatient } from '../pipeline/records/history.ts';
import { patientKeys } from '../pipeline/records/patient-key.ts';
import { volumesAsCsv } from '../pipeline/records/volumes-csv.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';

interface HistoryOptions {
  patient?: string;
  json?: true;
  csv?: true;
  config?: string;
}

/** All volumes, or one patient's, oldest study first. */
export async function showHistory({ patient, json, csv, config: file }: HistoryOptions): Promise<void> {
  const config = loadConfig({ file });
  const database = await openConfiguredDatabase(config);
  try {
    const volumes = await (patient === undefined
      ? allVolumes(database)
      : volumesOfPatient(database, patient));
    if (json) print(JSON.stringify(volumes, null, 2));
    else if (csv) process.stdout.write(volumesAsCsv(volumes));
    else if (volumes.length === 0) print('no volumes');
    else {
      for (const { patientKey, studyDate, class: images, volumeMl, correction, withdrawn } of volumes) {
        const corrected = correction ? `, corrected by a reader to ${correction.volumeMl.toFixed(1)} ml` : '';
        const gone = withdrawn ? ', withdrawn' : '';
        const date = studyDate || 'no date';
        print(`${patientKey}  ${date}  ${images}  ${volumeMl.toFixed(1)} ml${corrected}${gone}`);
      }
    }
  } finally {
    await database.close();
  }
}

/** Options of `history` itself stand before `rebuild`, or behind it. */
export async function rebuildVolumeHistory(_: object, command: Command): Promise<void> {
  const { json, config: file } = command.optsWithGlobals<HistoryOptions>();
  const config = loadConfig({ file });
  const logger = createLogger(config);
  const database = await openConfiguredDatabase(config);
  const progress = createProgressDisplay();
  try {
    const archive = await openArchive(config, logger);
    try {
      const rebuilt = await rebuildHistory({
        archive: archive.client,
        database,
        patientKey: await patientKeys(database),
        pageSize: config.watch.pageSize,
        now: () => new Date(),
        warn: (fields, message) => logger.warn(fields, message),
        onStudy: (done) => {
          if (done === 1) progress.listener({ stage: 'read reports', subject: archive.client.url });
        },
      });
      const { studies, reports, volumes, kept } = rebuilt;
      progress.result(
        json
          ? JSON.stringify(rebuilt)
          : `${volumes} volumes from ${reports} reports in ${studies} studies; ${kept} that the archive does not hold were kept`,
      );
    } finally {
      await archive.close();
    }
  } finally {
    progress.stop();
    await database.close();
  }
}
