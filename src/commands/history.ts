import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { allVolumes, volumesOfPatient } from '../store/records/history.ts';
import { findPatient } from '../store/records/patient-record.ts';
import { shownVolume } from '../store/records/shown-volume.ts';
import { comparabilityOf, type PatientTrends, patientTrends } from '../store/records/trends.ts';
import type { VolumeRecord } from '../store/records/volume-record.ts';
import { volumesAsCsv } from '../store/records/volumes-csv.ts';
import { StoreError } from '../store/store-error.ts';
import { defineCommand } from './definition/command.ts';
import { flag, jsonFlag, option, optionalText } from './definition/field.ts';

/** All volumes, or one patient's, oldest study first. */
export const history = defineCommand({
  name: 'history',
  help: 'the pancreas volumes that were measured',
  runs: 'in-node',
  options: z
    .strictObject({
      patientKey: option('--patient <key>', "one patient's, by the key that the pages show", optionalText),
      json: jsonFlag,
      csv: flag('--csv', 'print comma-separated values'),
    })
    .refine(({ json, csv }) => !(json && csv), "option '--json' cannot be used with option '--csv'"),
  run: async ({ patientKey, json, csv }, { database, print }) => {
    const volumes = await (patientKey === undefined
      ? allVolumes(database)
      : volumesOfPatient(database, patientKey));
    if (patientKey !== undefined && volumes.length === 0)
      throw new StoreError(
        'PATIENT_UNKNOWN',
        `history: there is no volume of a patient with the key ${patientKey}`,
      );
    if (json) print(JSON.stringify(volumes.map(shownVolume), null, 2));
    else if (csv) print(volumesAsCsv(volumes, await comparabilityOfAll(database, volumes)).trimEnd());
    else if (volumes.length === 0) print('no volumes');
    else for (const volume of volumes) print(sentence(volume));
  },
});

/** As pages and API tell it, of all patients that these volumes are of. */
async function comparabilityOfAll(database: Sql, volumes: readonly VolumeRecord[]) {
  const settings = { correctedCounts: false, repeatabilityPercent: {} };
  const patients: PatientTrends[] = [];
  for (const key of new Set(volumes.map(({ patientKey }) => patientKey))) {
    const patient = await findPatient(database, key);
    if (patient) patients.push(patientTrends(patient, settings));
  }
  return comparabilityOf(patients);
}

function sentence({
  patientKey,
  studyDate,
  class: images,
  volumeMl,
  correction,
  withdrawn,
  historyAlone,
}: VolumeRecord): string {
  const corrected = correction ? `, corrected by a reader to ${correction.volumeMl.toFixed(1)} ml` : '';
  const gone = withdrawn ? ', withdrawn' : '';
  const where = historyAlone ? ', in the history alone' : '';
  const what = `${volumeMl.toFixed(1)} ml${corrected}${gone}${where}`;
  return `${patientKey}  ${studyDate || 'no date'}  ${images}  ${what}`;
}
