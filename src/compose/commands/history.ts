import { z } from 'zod';
import { rebuildHistory } from '../../pipeline/rebuild/rebuild-history.ts';
import { allVolumes, volumesOfPatient } from '../../store/records/history.ts';
import { patientKeys } from '../../store/records/patient-key.ts';
import { headerRecorder } from '../../store/records/study-header.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';
import { volumesAsCsv } from '../../store/records/volumes-csv.ts';
import { defineCommand } from './command.ts';

/** All volumes, or one patient's, oldest study first. */
export const historyCommand = defineCommand({
  name: 'history',
  options: z.object({
    patient: z.string().optional(),
    form: z.enum(['text', 'json', 'csv']),
  }),
  run: async ({ patient, form }, { database, print }) => {
    const volumes = await (patient === undefined
      ? allVolumes(database)
      : volumesOfPatient(database, patient));
    if (form === 'json') print(JSON.stringify(volumes, null, 2));
    else if (form === 'csv') print(volumesAsCsv(volumes).trimEnd());
    else if (volumes.length === 0) print('no volumes');
    else for (const volume of volumes) print(sentence(volume));
  },
});

function sentence({
  patientKey,
  studyDate,
  class: images,
  volumeMl,
  correction,
  withdrawn,
}: VolumeRecord): string {
  const corrected = correction ? `, corrected by a reader to ${correction.volumeMl.toFixed(1)} ml` : '';
  const gone = withdrawn ? ', withdrawn' : '';
  return `${patientKey}  ${studyDate || 'no date'}  ${images}  ${volumeMl.toFixed(1)} ml${corrected}${gone}`;
}

export const rebuildCommand = defineCommand({
  name: 'history-rebuild',
  options: z.object({ json: z.boolean() }),
  run: async ({ json }, { config, database, archive: open, print, onProgress, warn, signal }) => {
    const archive = await open();
    const rebuilt = await rebuildHistory({
      recordHeader: await headerRecorder(database, { names: config.pages.patientNames }),
      archive,
      database,
      patientKey: await patientKeys(database),
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
        : `${volumes} volumes from ${reports} reports in ${studies} studies; ${kept} that the archive does not hold were kept`,
    );
  },
});
