import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/**
 * Where an order stands. claiming: the Transaction UID is kept, and the worklist may have it. claimed: it is
 * ours. requested: the study is in the queue for it, or in somebody's hands. ending: how it ends is fixed,
 * and the worklist is told. lost: the worklist gave it to somebody else, or ended it itself.
 */
const ORDER_STATES = ['claiming', 'claimed', 'requested', 'ending', 'COMPLETED', 'CANCELED', 'lost'] as const;
type OrderState = (typeof ORDER_STATES)[number];

const orderRow = z.object({
  /** Root of the service; empty: the node's own. */
  worklist: z.string(),
  workitemUid: z.string(),
  transactionUid: z.string(),
  studyInstanceUid: orUndefined(z.string()),
  /** As it was kept; the room that wrote it reads it. */
  request: z.unknown(),
  accessionNumber: z.string(),
  requestedProcedure: z.string(),
  state: z.enum(ORDER_STATES),
  claimedAt: z.date(),
  cancelRequestedAt: orUndefined(z.date()),
  ending: z.unknown(),
  endedAt: orUndefined(z.date()),
  /** In plain words: why it did not end with results. */
  reason: orUndefined(z.string()),
  percent: orUndefined(z.int()),
  refusals: z.int(),
});
export type PerformedOrder = Readonly<z.output<typeof orderRow>>;
type OrderKey = Pick<PerformedOrder, 'worklist' | 'workitemUid'>;
const COLUMNS = columnsOf(orderRow);

export type NewOrder = OrderKey &
  Pick<
    PerformedOrder,
    'transactionUid' | 'studyInstanceUid' | 'request' | 'accessionNumber' | 'requestedProcedure'
  >;

/**
 * Keeps an order with its Transaction UID, before the worklist hears of it.
 * @returns false where it is kept already: another process of this database has it, or had it
 */
export async function keepOrder(sql: Sql, order: NewOrder, now: Date): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO pansegnet.performed_order
       (worklist, workitem_uid, transaction_uid, study_instance_uid, request, accession_number,
        requested_procedure, state, claimed_at)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, 'claiming', $8)
     ON CONFLICT (worklist, workitem_uid) DO NOTHING RETURNING 1`,
    [
      order.worklist,
      order.workitemUid,
      order.transactionUid,
      order.studyInstanceUid ?? null,
      JSON.stringify(order.request),
      plain(order.accessionNumber),
      plain(order.requestedProcedure),
      now,
    ],
  );
  return rows.length > 0;
}

/** PostgreSQL takes no NUL in a text. */
const plain = (text: string): string => text.replaceAll('\0', '').slice(0, 64);

/** Forgets an order that somebody else has: should it come back, it may be claimed again. */
export async function dropOrder(sql: Sql, { worklist, workitemUid }: OrderKey): Promise<void> {
  await sql.query('DELETE FROM pansegnet.performed_order WHERE worklist = $1 AND workitem_uid = $2', [
    worklist,
    workitemUid,
  ]);
}

/** The orders of a worklist that are not over, oldest first. */
export async function openOrders(sql: Sql, worklist: string): Promise<PerformedOrder[]> {
  const rows = await sql.query(
    `SELECT ${COLUMNS} FROM pansegnet.performed_order
     WHERE worklist = $1 AND ended_at IS NULL ORDER BY claimed_at, workitem_uid`,
    [worklist],
  );
  return rowsOf(orderRow, rows);
}

/** The order as it is now; undefined where it is over or gone. */
export async function openOrder(sql: Sql, key: OrderKey): Promise<PerformedOrder | undefined> {
  const rows = await sql.query(
    `SELECT ${COLUMNS} FROM pansegnet.performed_order
     WHERE worklist = $1 AND workitem_uid = $2 AND ended_at IS NULL`,
    [key.worklist, key.workitemUid],
  );
  return rowsOf(orderRow, rows)[0];
}

/** Every order of a study, newest first. */
export async function ordersOfStudy(sql: Sql, studyInstanceUid: string): Promise<PerformedOrder[]> {
  const rows = await sql.query(
    `SELECT ${COLUMNS} FROM pansegnet.performed_order
     WHERE study_instance_uid = $1 ORDER BY claimed_at DESC, workitem_uid LIMIT 50`,
    [studyInstanceUid],
  );
  return rowsOf(orderRow, rows);
}

/** All orders that are not over, and those that ended last; for people. */
export async function listedOrders(sql: Sql, ended: number): Promise<PerformedOrder[]> {
  const rows = await sql.query(
    `(SELECT ${COLUMNS} FROM pansegnet.performed_order WHERE ended_at IS NULL
        ORDER BY claimed_at LIMIT 1000)
     UNION ALL
     (SELECT ${COLUMNS} FROM pansegnet.performed_order WHERE ended_at IS NOT NULL
        ORDER BY ended_at DESC LIMIT $1)`,
    [ended],
  );
  return rowsOf(orderRow, rows);
}

export interface Lease {
  /** Names the process, and no other. */
  readonly owner: string;
  readonly seconds: number;
}

/**
 * Takes an order for a while, by the database's clock, so that two processes on one database are not at it
 * together.
 * @returns false where another process is at it
 */
export async function leaseOrder(sql: Sql, key: OrderKey, { owner, seconds }: Lease): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.performed_order SET lease_owner = $3, lease_until = now() + make_interval(secs => $4)
     WHERE worklist = $1 AND workitem_uid = $2 AND ended_at IS NULL
       AND (lease_owner = $3 OR lease_until IS NULL OR lease_until < now()) RETURNING 1`,
    [key.worklist, key.workitemUid, owner, seconds],
  );
  return rows.length > 0;
}

/** No other process can be alive on an embedded database: what a former one held is free. */
export async function freeLeases(sql: Sql): Promise<void> {
  await sql.query('UPDATE pansegnet.performed_order SET lease_until = NULL WHERE ended_at IS NULL');
}

/** Writes where an open order stands. */
export async function advanceOrder(
  sql: Sql,
  key: OrderKey,
  to: {
    readonly state: Exclude<OrderState, 'COMPLETED' | 'CANCELED' | 'lost'>;
    readonly requestedAt?: Date;
    /** Fixed once: what is there already stays. */
    readonly ending?: unknown;
  },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.performed_order SET state = $3, requested_at = coalesce($4, requested_at),
       ending = coalesce(ending, $5::jsonb)
     WHERE worklist = $1 AND workitem_uid = $2 AND ended_at IS NULL`,
    [
      key.worklist,
      key.workitemUid,
      to.state,
      to.requestedAt ?? null,
      to.ending === undefined ? null : JSON.stringify(to.ending),
    ],
  );
}

export async function recordOrderProgress(sql: Sql, key: OrderKey, percent: number): Promise<void> {
  await sql.query(
    'UPDATE pansegnet.performed_order SET percent = $3 WHERE worklist = $1 AND workitem_uid = $2',
    [key.worklist, key.workitemUid, percent],
  );
}

/** Counts a refusal of the end; @returns how many there were. */
export async function recordRefusal(sql: Sql, key: OrderKey): Promise<number> {
  const rows = await sql.query(
    `UPDATE pansegnet.performed_order SET refusals = refusals + 1
     WHERE worklist = $1 AND workitem_uid = $2 RETURNING refusals`,
    [key.worklist, key.workitemUid],
  );
  return rowsOf(orderRow.pick({ refusals: true }), rows)[0]?.refusals ?? 0;
}

/** Begins another end than the one that the worklist refused. */
export async function replaceEnding(sql: Sql, key: OrderKey, ending: unknown): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.performed_order SET ending = $3::jsonb
     WHERE worklist = $1 AND workitem_uid = $2 AND ended_at IS NULL`,
    [key.worklist, key.workitemUid, JSON.stringify(ending)],
  );
}

/** The order is over. @returns false where it was before */
export async function endOrder(
  sql: Sql,
  key: OrderKey,
  end: {
    readonly state: 'COMPLETED' | 'CANCELED' | 'lost';
    readonly reason?: string | undefined;
    readonly now: Date;
  },
): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.performed_order SET state = $3, reason = $4, ended_at = $5, lease_until = NULL
     WHERE worklist = $1 AND workitem_uid = $2 AND ended_at IS NULL RETURNING 1`,
    [key.worklist, key.workitemUid, end.state, end.reason ?? null, end.now],
  );
  return rows.length > 0;
}

/**
 * Somebody wants the order canceled.
 * @returns whether it will be: not once results have begun to be stored, or its end is fixed
 */
export async function requestOrderCancel(sql: Sql, key: OrderKey, now: Date): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.performed_order SET cancel_requested_at = coalesce(cancel_requested_at, $3)
     WHERE worklist = $1 AND workitem_uid = $2 AND ended_at IS NULL AND storing_at IS NULL
       AND ending IS NULL RETURNING 1`,
    [key.worklist, key.workitemUid, now],
  );
  return rows.length > 0;
}

/**
 * Results of the study are about to be stored: from now on no order for it can be canceled.
 * @returns whether an order still wants them
 */
export async function beginStoring(sql: Sql, studyInstanceUid: string, now: Date): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE pansegnet.performed_order SET storing_at = coalesce(storing_at, $2)
     WHERE study_instance_uid = $1 AND ended_at IS NULL AND cancel_requested_at IS NULL RETURNING 1`,
    [studyInstanceUid, now],
  );
  return rows.length > 0;
}

/** Whether an order that nobody wants canceled waits for the study. */
export async function isOrdered(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.performed_order
     WHERE study_instance_uid = $1 AND ended_at IS NULL AND cancel_requested_at IS NULL LIMIT 1`,
    [studyInstanceUid],
  );
  return rows.length > 0;
}

const watchedRow = z.object({ watched: z.boolean() });

/** Whether the watch queued counts of the study that no run has dealt with yet. */
export async function isWatchWaiting(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT queued_fingerprint IS NOT NULL AND queued_fingerprint IS DISTINCT FROM processed_fingerprint
       AS watched
     FROM pansegnet.study WHERE study_instance_uid = $1`,
    [studyInstanceUid],
  );
  return rowsOf(watchedRow, rows)[0]?.watched ?? false;
}

/** That the routing rules kept the study out counts no more: somebody orders it. */
export async function forgetIgnored(sql: Sql, studyInstanceUid: string): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.study SET queued_fingerprint = NULL
     WHERE study_instance_uid = $1 AND state = 'skipped'
       AND queued_fingerprint IS DISTINCT FROM processed_fingerprint`,
    [studyInstanceUid],
  );
}

/** The counts that the last run of all the rules dealt with. */
export async function processedFingerprint(sql: Sql, studyInstanceUid: string): Promise<string | undefined> {
  const rows = await sql.query(
    'SELECT processed_fingerprint AS fingerprint FROM pansegnet.study WHERE study_instance_uid = $1',
    [studyInstanceUid],
  );
  return rowsOf(z.object({ fingerprint: orUndefined(z.string()) }), rows)[0]?.fingerprint;
}
