import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { volumesByPatient, volumesOfPatient } from '../store/records/history.ts';
import { comparabilityOfVolumes } from '../store/records/patient-record.ts';
import { shownVolume } from '../store/records/shown-volume.ts';
import type { VolumeRecord } from '../store/records/volume-record.ts';
import { CSV_NAMES, volumesAsLines } from '../store/records/volumes-csv.ts';
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
  run: async ({ patientKey, json, csv }, { database, print, printed }) => {
    const batches =
      patientKey === undefined ? volumesByPatient(database) : [await onePatient(database, patientKey)];
    const lines = json ? jsonLines(batches) : csv ? csvLines(database, batches) : sentences(batches);
    for await (const text of lines) {
      print(text);
      await printed?.();
    }
  },
});

type Batches = AsyncIterable<readonly VolumeRecord[]> | Iterable<readonly VolumeRecord[]>;

async function onePatient(database: Sql, patientKey: string): Promise<readonly VolumeRecord[]> {
  const volumes = await volumesOfPatient(database, patientKey);
  if (volumes.length > 0) return volumes;
  throw new StoreError(
    'PATIENT_UNKNOWN',
    `history: there is no volume of a patient with the key ${patientKey}`,
  );
}

/** One JSON text, some of it at a time: the comma after an element is known when there is another. */
async function* jsonLines(batches: Batches): AsyncGenerator<string> {
  let before: string | undefined;
  for await (const volumes of batches) {
    if (before !== undefined) yield `${before},`;
    const text = JSON.stringify(volumes.map(shownVolume), null, 2).slice(0, -'\n]'.length);
    before = before === undefined ? text : text.slice('[\n'.length);
  }
  yield before === undefined ? '[]' : `${before}\n]`;
}

async function* csvLines(database: Sql, batches: Batches): AsyncGenerator<string> {
  // What is printed ends in a line feed by itself.
  const printable = (lines: string): string => lines.slice(0, -'\n'.length);
  yield printable(CSV_NAMES);
  for await (const volumes of batches) {
    yield printable(volumesAsLines(volumes, await comparabilityOfVolumes(database, volumes)));
  }
}

async function* sentences(batches: Batches): AsyncGenerator<string> {
  let isEmpty = true;
  for await (const volumes of batches) {
    isEmpty = false;
    yield volumes.map(sentence).join('\n');
  }
  if (isEmpty) yield 'no volumes';
}

function sentence({
  patientKey,
  studyDate,
  class: images,
  volumeMl,
  correction,
  withdrawn,
  historyAlone,
  model: { name, mode },
}: VolumeRecord): string {
  const corrected = correction ? `, corrected by a reader to ${correction.volumeMl.toFixed(1)} ml` : '';
  const gone = withdrawn ? ', withdrawn' : '';
  const where = historyAlone ? ', in the history alone' : '';
  const what = `${volumeMl.toFixed(1)} ml${corrected}${gone}${where}`;
  return `${patientKey}  ${studyDate || 'no date'}  ${images}  ${what}  (${name}, ${mode})`;
}
