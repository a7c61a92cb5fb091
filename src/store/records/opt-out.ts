import { z } from 'zod';
import { columnsOf, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { forgetOptedOut } from './candidates.ts';
import { keyedDigests } from './patient-key.ts';

/** Whom a study is of, as its images say. */
export interface Patient {
  readonly patientId: string | undefined;
  readonly issuer: string | undefined;
}

/**
 * What is never processed: a study, or all studies of a patient. Without issuer: whoever issued the
 * PatientID.
 */
export type OptOut =
  | { readonly studyInstanceUid: string }
  | { readonly patientId: string; readonly issuer?: string | undefined };

const OPT_OUT_KINDS = ['study', 'patient', 'patient of issuer'] as const;

const entryRow = z.object({ kind: z.enum(OPT_OUT_KINDS), key: z.string(), addedAt: z.date() });
/**
 * `key`: the Study Instance UID, or a keyed hash of PatientID (and issuer), which says nothing of the
 * patient.
 */
export type OptOutEntry = z.output<typeof entryRow>;

type Entry = Pick<OptOutEntry, 'kind' | 'key'>;

/**
 * From now on nothing of it is processed, and nothing stays of what a candidate found in it.
 * @returns whether it was not there before
 */
export async function addOptOut(sql: Sql, optOut: OptOut, now: Date): Promise<boolean> {
  const { kind, key } = await entryOf(sql, optOut);
  const rows = await sql.query(
    `INSERT INTO pansegnet.opt_out (kind, key, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
     RETURNING key`,
    [kind, key, now],
  );
  await forgetOptedOut(sql, key);
  return rows.length > 0;
}

/** @returns whether it was there */
export async function removeOptOut(sql: Sql, optOut: OptOut): Promise<boolean> {
  const { kind, key } = await entryOf(sql, optOut);
  const rows = await sql.query('DELETE FROM pansegnet.opt_out WHERE kind = $1 AND key = $2 RETURNING key', [
    kind,
    key,
  ]);
  return rows.length > 0;
}

/** Oldest first. */
export async function listOptOuts(sql: Sql): Promise<OptOutEntry[]> {
  const rows = await sql.query(
    `SELECT ${columnsOf(entryRow)} FROM pansegnet.opt_out ORDER BY added_at, kind, key`,
  );
  return rowsOf(entryRow, rows);
}

/** Whether any patient is on the list: only then is it worth asking whose a study is. */
export async function hasPatientOptOuts(sql: Sql): Promise<boolean> {
  const rows = await sql.query(`SELECT 1 FROM pansegnet.opt_out WHERE kind <> 'study' LIMIT 1`);
  return rows.length > 0;
}

/**
 * Why a study must not be processed, in plain words; undefined where nothing is on the list.
 * @param patients everybody whom images of the study name; one that is on the list is enough
 */
export async function optOutReason(
  sql: Sql,
  studyInstanceUid: string,
  patients: readonly Patient[],
): Promise<string | undefined> {
  const wanted = [await entryOf(sql, { studyInstanceUid }), ...(await entriesOf(sql, patients))];
  const rows = await sql.query(
    `SELECT kind FROM pansegnet.opt_out
     WHERE (kind, key) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY kind DESC LIMIT 1`,
    [wanted.map(({ kind }) => kind), wanted.map(({ key }) => key)],
  );
  const found = rowsOf(entryRow.pick({ kind: true }), rows)[0];
  if (!found) return undefined;
  return found.kind === 'study' ? 'the study is on the opt-out list' : 'the patient is on the opt-out list';
}

/** What the list may call these patients: keyed hashes, which say nothing of them. */
export const optOutKeys = async (sql: Sql, patients: readonly Patient[]): Promise<string[]> =>
  (await entriesOf(sql, patients)).map(({ key }) => key);

async function entriesOf(sql: Sql, patients: readonly Patient[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const { patientId = '', issuer = '' } of patients) {
    if (patientId.trim() === '') continue;
    entries.push(await entryOf(sql, { patientId }));
    if (issuer.trim() !== '') entries.push(await entryOf(sql, { patientId, issuer }));
  }
  return entries;
}

async function entryOf(sql: Sql, optOut: OptOut): Promise<Entry> {
  if ('studyInstanceUid' in optOut) return { kind: 'study', key: optOut.studyInstanceUid };
  const digest = await keyedDigests(sql);
  const id = optOut.patientId.trim();
  const issuer = optOut.issuer?.trim();
  return issuer
    ? { kind: 'patient of issuer', key: digest(['opt-out', id, issuer]) }
    : { kind: 'patient', key: digest(['opt-out', id]) };
}
