import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** PS3.4 CC.1.1: SCHEDULED until a performer claims it; COMPLETED and CANCELED are for ever. */
export const WORKITEM_STATES = ['SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED'] as const;
export type WorkitemState = (typeof WORKITEM_STATES)[number];

const workitemRow = z.object({
  workitemUid: z.string(),
  studyInstanceUid: orUndefined(z.string()),
  state: z.enum(WORKITEM_STATES),
  /** The performer's key, shown to nobody. */
  transactionUid: orUndefined(z.string()),
  /** In the DICOM JSON model, without state, UIDs and key. */
  dataset: z.record(z.string(), z.unknown()),
  changedAt: z.date(),
});
export type Workitem = Readonly<z.output<typeof workitemRow>>;
const COLUMNS = columnsOf(workitemRow);

/** @returns false where there is one with this UID */
export async function createWorkitem(
  sql: Sql,
  item: Pick<Workitem, 'workitemUid' | 'studyInstanceUid' | 'dataset'> & { readonly patientKey: string },
  now: Date,
): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO pansegnet.workitem
       (workitem_uid, study_instance_uid, patient_key, state, dataset, created_at, changed_at)
     VALUES ($1, $2, $5, 'SCHEDULED', $3::jsonb, $4, $4) ON CONFLICT DO NOTHING RETURNING 1`,
    [item.workitemUid, item.studyInstanceUid ?? null, JSON.stringify(item.dataset), now, item.patientKey],
  );
  return rows.length > 0;
}

export async function findWorkitem(sql: Sql, workitemUid: string): Promise<Workitem | undefined> {
  return (await select(sql, 'WHERE workitem_uid = $1', [workitemUid]))[0];
}

/** As `findWorkitem`, and holds it until the transaction ends: changes come one after the other. */
export async function holdWorkitem(sql: Sql, workitemUid: string): Promise<Workitem | undefined> {
  return (await select(sql, 'WHERE workitem_uid = $1 FOR UPDATE', [workitemUid]))[0];
}

/** The oldest first. */
export async function listWorkitems(sql: Sql, most: number): Promise<Workitem[]> {
  return select(sql, 'ORDER BY created_at, workitem_uid LIMIT $1', [most]);
}

/** Those that wait, ready, for this station, or for none; the oldest first. */
export async function offeredWorkitems(sql: Sql, station: string, most: number): Promise<Workitem[]> {
  const name = JSON.stringify([{ '00080100': { Value: [station] } }]);
  return select(
    sql,
    `WHERE state = 'SCHEDULED' AND dataset->'00404041'->'Value'->>0 = 'READY'
       AND (jsonb_array_length(coalesce(dataset->'00404025'->'Value', '[]')) = 0
         OR dataset->'00404025'->'Value' @> $1::jsonb)
     ORDER BY created_at, workitem_uid LIMIT $2`,
    [name, most],
  );
}

export async function countScheduled(sql: Sql): Promise<number> {
  const rows = await sql.query(
    `SELECT count(*)::int AS items FROM pansegnet.workitem WHERE state = 'SCHEDULED'`,
  );
  return z.tuple([z.object({ items: z.int() })]).parse(rows)[0].items;
}

/** Elements replace those of the same tag. */
export async function changeWorkitem(
  sql: Sql,
  workitemUid: string,
  change: {
    readonly state?: WorkitemState;
    readonly transactionUid?: string;
    readonly elements?: Readonly<Record<string, unknown>>;
    readonly now: Date;
  },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.workitem SET state = coalesce($2, state),
       transaction_uid = coalesce($3, transaction_uid), dataset = dataset || $4::jsonb, changed_at = $5
     WHERE workitem_uid = $1`,
    [
      workitemUid,
      change.state ?? null,
      change.transactionUid ?? null,
      JSON.stringify(change.elements ?? {}),
      change.now,
    ],
  );
}

async function select(sql: Sql, where: string, parameters: readonly unknown[]): Promise<Workitem[]> {
  const rows = await sql.query(`SELECT ${COLUMNS} FROM pansegnet.workitem ${where}`, parameters);
  return rowsOf(workitemRow, rows);
}
