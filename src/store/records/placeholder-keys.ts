import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Database, Sql } from '../database/sql.ts';
import { keyedDigests, nobodyTest, patientKeys } from './patient-key.ts';
import { readSetting, writeSetting } from './settings.ts';

const SETTING = 'placeholder-ids';

const keyedRow = z.object({
  studyInstanceUid: z.string(),
  patientKey: z.string(),
  patientId: orUndefined(z.string()),
  issuer: orUndefined(z.string()),
});

/**
 * Gives what was recorded under another list of placeholders, or by a version without one, the keys that this
 * list calls for. Where no PatientIDs are kept, the usual ways to write a listed one are found by their keys;
 * other ways when a look next finds the study. Nothing is processed again.
 * @param placeholderIds see `placeholderTest`
 */
export async function applyPlaceholders(
  database: Database,
  placeholderIds: readonly string[],
): Promise<void> {
  const list = JSON.stringify([...placeholderIds].sort());
  if ((await readSetting(database, SETTING)) === list) return;
  await database.transaction(async (sql) => {
    await rekeyKnown(sql, placeholderIds);
    await rekeyUnknown(sql, placeholderIds);
    await writeSetting(sql, SETTING, list);
  });
}

async function rekeyKnown(sql: Sql, placeholderIds: readonly string[]): Promise<void> {
  const patientKey = await patientKeys(sql, placeholderIds);
  const namesNobody = nobodyTest(placeholderIds);
  const rows = await sql.query(
    `SELECT ${columnsOf(keyedRow)} FROM pansegnet.study_header WHERE patient_id IS NOT NULL`,
  );
  for (const row of rowsOf(keyedRow, rows)) {
    const key = patientKey(row);
    if (key !== row.patientKey) await rekey(sql, row.studyInstanceUid, key, !namesNobody(row));
  }
}

async function rekeyUnknown(sql: Sql, placeholderIds: readonly string[]): Promise<void> {
  const digest = await keyedDigests(sql);
  const keys = placeholderIds.flatMap(writtenForms).map((id) => digest(['patient', id, '']));
  const rows = await sql.query(
    `SELECT study_instance_uid AS "studyInstanceUid" FROM pansegnet.study_header
     WHERE patient_key = ANY($1::text[])
     UNION SELECT study_instance_uid FROM pansegnet.volume WHERE patient_key = ANY($1::text[])`,
    [keys],
  );
  for (const { studyInstanceUid } of rowsOf(keyedRow.pick({ studyInstanceUid: true }), rows)) {
    await rekey(sql, studyInstanceUid, digest(['study', studyInstanceUid]), false);
  }
}

/** As people and systems write a word of the list. */
function writtenForms(word: string): string[] {
  const lower = word.toLowerCase();
  const cased = [word, lower, word.toUpperCase(), `${word.slice(0, 1).toUpperCase()}${lower.slice(1)}`];
  const spelled = word === 'NA' ? ['N/A', 'n/a', 'N.A.', 'n.a.'] : [];
  const repeated =
    word.length === 1 ? [2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((n) => cased.map((one) => one.repeat(n))) : [];
  return [...new Set([...cased, ...cased.map((one) => one.replaceAll(' ', '')), ...spelled, ...repeated])];
}

async function rekey(sql: Sql, studyInstanceUid: string, key: string, identified: boolean): Promise<void> {
  await sql.query(
    'UPDATE pansegnet.study_header SET patient_key = $2, identified = $3 WHERE study_instance_uid = $1',
    [studyInstanceUid, key, identified],
  );
  await sql.query('UPDATE pansegnet.volume SET patient_key = $2 WHERE study_instance_uid = $1', [
    studyInstanceUid,
    key,
  ]);
}
