import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Database, Sql } from '../database/sql.ts';
import { volumeForm } from '../records/volume-record.ts';

/**
 * What happened to a result: it is there; the node made it anew; a reader corrected it; it was withdrawn, or
 * a reader rejected it.
 */
export const RESULT_CHANGES = ['finished', 'reissued', 'corrected', 'withdrawn'] as const;
export type ResultChange = (typeof RESULT_CHANGES)[number];

/** `overtaken`: it was not sent, as a later one about the same result was, or might have been. */
const OUTGOING_STATES = ['waiting', 'sent', 'failed', 'overtaken'] as const;

const sentVolume = volumeForm
  .omit({ patientKey: true, withdrawn: true })
  .extend({ contentDateTime: z.string() });
/** A row of the history as it was when something was told of it. */
export type SentVolume = Readonly<z.output<typeof sentVolume>>;

const outgoingRow = z.object({
  number: z.int(),
  /** Twenty hexadecimal digits; the same for every try. */
  id: z.string(),
  exit: z.string(),
  studyInstanceUid: z.string(),
  /** A UUID, the same for a result and for what takes its place. */
  result: z.string(),
  change: z.enum(RESULT_CHANGES),
  /** SOP Instance UID of the report. */
  report: z.string(),
  volume: sentVolume,
  putAt: z.date(),
  state: z.enum(OUTGOING_STATES),
  /** Tries that were begun. */
  tries: z.int(),
  refusals: z.int(),
  nextTryAt: orUndefined(z.date()),
  /** When it was sent, failed or was overtaken. */
  endedAt: orUndefined(z.date()),
  /** What the other side, or the lack of one, said last. */
  reason: orUndefined(z.string()),
});
/** A message about a result to another system. */
export type Outgoing = Readonly<z.output<typeof outgoingRow>>;
const COLUMNS = columnsOf(outgoingRow);

/** What waits for an exit that is out of the configuration says so, until it is back. */
async function select(sql: Sql, rest: string, parameters: readonly unknown[]): Promise<Outgoing[]> {
  const rows = await sql.query(
    `SELECT ${COLUMNS}, state = 'waiting' AND NOT EXISTS
       (SELECT 1 FROM pansegnet.exit WHERE exit.name = outgoing.exit) AS "isAway"
     FROM pansegnet.outgoing ${rest}`,
    parameters,
  );
  return rowsOf(outgoingRow.extend({ isAway: z.boolean() }), rows).map(({ isAway, ...message }) =>
    isAway ? { ...message, nextTryAt: undefined, reason: `exit ${message.exit} is not configured` } : message,
  );
}

/** Makes these the systems that results go to from now on; nothing of the past is told to a new one. */
export async function setExits(sql: Sql, names: readonly string[]): Promise<void> {
  await sql.query('DELETE FROM pansegnet.exit WHERE NOT name = ANY($1::text[])', [names]);
  await sql.query('INSERT INTO pansegnet.exit (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [
    names,
  ]);
}

/** What waits for an exit, of this study, in the order in which it happened. */
export const waitingOf = (sql: Sql, exit: string, studyInstanceUid: string): Promise<Outgoing[]> =>
  select(sql, `WHERE exit = $1 AND study_instance_uid = $2 AND state = 'waiting' ORDER BY number`, [
    exit,
    studyInstanceUid,
  ]);

/** All that was and is to be sent about a study, the latest first. */
export const outgoingOfStudy = (sql: Sql, studyInstanceUid: string): Promise<Outgoing[]> =>
  select(sql, 'WHERE study_instance_uid = $1 ORDER BY number DESC', [studyInstanceUid]);

/** What isn't sent: what failed, then what waits, each the latest first. */
export const unsent = (sql: Sql, limit: number): Promise<Outgoing[]> =>
  select(sql, `WHERE state IN ('waiting', 'failed') ORDER BY state, number DESC LIMIT $1`, [limit]);

/**
 * The studies with something for this exit that no job was made for; afterwards they count as having one. To
 * be called in the transaction that makes the jobs.
 */
export async function takeUnqueued(sql: Sql, exit: string): Promise<string[]> {
  const rows = await sql.query(
    `UPDATE pansegnet.outgoing SET queued = true WHERE exit = $1 AND state = 'waiting' AND NOT queued
     RETURNING number, study_instance_uid AS "studyInstanceUid"`,
    [exit],
  );
  const taken = rowsOf(outgoingRow.pick({ number: true, studyInstanceUid: true }), rows);
  const inOrder = taken.toSorted((a, b) => a.number - b.number);
  return [...new Set(inOrder.map(({ studyInstanceUid }) => studyInstanceUid))];
}

/** What waits for this exit needs a job again: those that had one may be lost. */
export async function unqueue(sql: Sql, exit: string, studyInstanceUid?: string): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.outgoing SET queued = false
     WHERE exit = $1 AND state = 'waiting' AND study_instance_uid = coalesce($2, study_instance_uid)`,
    [exit, studyInstanceUid ?? null],
  );
}

const OVERTAKEN = 'a later message about the same result was sent, or was being sent';

/**
 * That a later message about the same result (of the row named `one`) has gone out, or is just going, or may
 * have come to the receiver without an answer: the earlier one would undo it there.
 */
const LATER_WAS_BEGUN = `EXISTS (SELECT 1 FROM pansegnet.outgoing AS later
  WHERE later.exit = one.exit AND later.result = one.result AND later.number > one.number
    AND (later.state = 'sent' OR (later.state = 'waiting' AND later.tries > 0)))`;

/**
 * Begins a try, and counts it before anything is sent: a try that a process did not live to count would be
 * one that nobody knows of. What was overtaken ends here.
 * @returns whether the message is to be sent now
 */
export async function beginTry(
  database: Database,
  { number, exit, result }: Pick<Outgoing, 'number' | 'exit' | 'result'>,
  now: Date,
): Promise<boolean> {
  return database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`${exit} ${result}`]);
    await sql.query(
      `UPDATE pansegnet.outgoing AS one
       SET state = 'overtaken', ended_at = $2, reason = $3, next_try_at = NULL
       WHERE number = $1 AND state = 'waiting' AND ${LATER_WAS_BEGUN}`,
      [number, now, OVERTAKEN],
    );
    const begun = await sql.query(
      `UPDATE pansegnet.outgoing SET tries = tries + 1 WHERE number = $1 AND state = 'waiting'
       RETURNING number`,
      [number],
    );
    return begun.length > 0;
  });
}

export async function markSent(sql: Sql, number: number, said: string, now: Date): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.outgoing SET state = 'sent', ended_at = $3, reason = $2,
       next_try_at = NULL
     WHERE number = $1`,
    [number, said, now],
  );
}

/** It cannot be sent as it is; whatever else is to be told of the study goes on. */
export async function markFailed(sql: Sql, number: number, reason: string, now: Date): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.outgoing SET state = 'failed', ended_at = $3, reason = $2,
       next_try_at = NULL
     WHERE number = $1`,
    [number, reason, now],
  );
}

/** It is tried again. @param isRefusal whether the receiver had it, and did not take it */
export async function markTried(
  sql: Sql,
  number: number,
  { reason, isRefusal }: { reason: string; isRefusal: boolean },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.outgoing SET refusals = refusals + $3, reason = $2
     WHERE number = $1`,
    [number, reason, isRefusal ? 1 : 0],
  );
}

/** When what waits of the study is tried next. */
export async function setNextTry(
  sql: Sql,
  exit: string,
  studyInstanceUid: string,
  at: Date | undefined,
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.outgoing SET next_try_at = $3
     WHERE exit = $1 AND study_instance_uid = $2 AND state = 'waiting'`,
    [exit, studyInstanceUid, at ?? null],
  );
}

/** What is to be sent again: all that failed, or that of one exit, of one study, or one message. */
export interface Resend {
  readonly exit?: string | undefined;
  readonly studyInstanceUid?: string | undefined;
  readonly id?: string | undefined;
}

/**
 * What failed is sent again, under the same id, and with it what failed later of the same result: without
 * that, an earlier state would stand at the receiver. What was overtaken is not sent: it would undo what was.
 * @returns how many wait again
 */
export async function resendFailed(sql: Sql, { exit, studyInstanceUid, id }: Resend): Promise<number> {
  const rows = await sql.query(
    `UPDATE pansegnet.outgoing AS one
     SET state = CASE WHEN ${LATER_WAS_BEGUN} THEN 'overtaken' ELSE 'waiting' END,
       reason = CASE WHEN ${LATER_WAS_BEGUN} THEN $4 ELSE reason END,
       tries = CASE WHEN ${LATER_WAS_BEGUN} THEN tries ELSE 0 END,
       ended_at = CASE WHEN ${LATER_WAS_BEGUN} THEN ended_at END,
       queued = false, refusals = 0, next_try_at = NULL
     WHERE state = 'failed' AND exit = coalesce($1, exit)
       AND study_instance_uid = coalesce($2, study_instance_uid)
       AND ($3::text IS NULL OR EXISTS (SELECT 1 FROM pansegnet.outgoing AS asked
         WHERE asked.id = $3 AND asked.state = 'failed' AND asked.exit = one.exit
           AND asked.result = one.result AND asked.number <= one.number))
     RETURNING state`,
    [exit ?? null, studyInstanceUid ?? null, id ?? null, OVERTAKEN],
  );
  return rowsOf(outgoingRow.pick({ state: true }), rows).filter(({ state }) => state === 'waiting').length;
}

const figuresRow = z.object({
  exit: z.string(),
  waiting: z.int(),
  failed: z.int(),
  oldestWaitingSeconds: z.number(),
});
/** How much of an exit waits and has failed, and how long that has waited that has waited longest. */
export type ExitFigures = Readonly<z.output<typeof figuresRow>>;

/** Of the exits that results go to, and of others with something that waits or failed. */
export async function exitFigures(sql: Sql, now: Date): Promise<ExitFigures[]> {
  const rows = await sql.query(
    `SELECT exit, count(*) FILTER (WHERE state = 'waiting')::int AS waiting,
            count(*) FILTER (WHERE state = 'failed')::int AS failed,
            greatest(0, coalesce(extract(epoch FROM $1::timestamptz - min(put_at)
              FILTER (WHERE state = 'waiting')), 0))::float AS "oldestWaitingSeconds"
     FROM (SELECT name AS exit, NULL AS state, NULL::timestamptz AS put_at FROM pansegnet.exit
           UNION ALL SELECT exit, state, put_at FROM pansegnet.outgoing
             WHERE state IN ('waiting', 'failed')) AS told
     GROUP BY exit ORDER BY exit`,
    [now],
  );
  return rowsOf(figuresRow, rows);
}
