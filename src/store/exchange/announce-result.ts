import { createHash } from 'node:crypto';
import { z } from 'zod';
import { deriveUuid } from '../../dicom/uids.ts';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { findVolume } from '../records/history.ts';
import { latestReviews } from '../records/reviews.ts';
import type { VolumeRecord } from '../records/volume-record.ts';
import type { ResultChange, SentVolume } from './outgoing.ts';

/**
 * Puts down what is to be told of a result, where it differs from what was told of it last: once for each
 * exit of the configuration, and for each other that was told of it before, which hears of it when it is
 * back. To be called in the transaction that changes the result, as the last that it does. Nothing that
 * happens afterwards loses it.
 * @param reportInstanceUid SOP Instance UID of the result's report
 */
export async function announceResult(sql: Sql, reportInstanceUid: string, now: Date): Promise<void> {
  const before = await findVolume(sql, reportInstanceUid);
  if (!before || before.historyAlone) return;
  const result = await resultName(sql, before);
  const exits = await exitsOf(sql, before.studyInstanceUid, result);
  if (exits.length === 0) return;
  // Two changes at the same moment: who comes second has to see what the first one did, or neither would say
  // what stands in the end.
  await sql.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`result ${result}`]);
  const volume = await findVolume(sql, reportInstanceUid);
  if (!volume) return;
  const reports = [volume.report.sopInstanceUid];
  const review = (await latestReviews(sql, reports)).get(volume.report.sopInstanceUid);
  const isWithdrawn = volume.withdrawn !== null || review?.decision === 'rejected';
  const { sopInstanceUid: report } = (volume.correction ?? volume).report;
  const says = `${isWithdrawn ? 'withdrawn' : 'stands'} ${report}`;
  for (const exit of exits) {
    const told = await toldOf(sql, exit, result);
    const isFirst = told.length === 0;
    if (told.at(-1)?.says === says || (isFirst && isWithdrawn)) continue;
    await sql.query(
      `INSERT INTO pansegnet.outgoing
         (id, exit, study_instance_uid, result, change, says, report, volume, put_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)`,
      [
        messageId(exit, result, says, told.filter((one) => one.says === says).length),
        exit,
        volume.studyInstanceUid,
        result,
        changeOf(volume, { isFirst, isWithdrawn }),
        says,
        report,
        JSON.stringify(sentVolume(volume)),
        now,
      ],
    );
  }
}

const exitRow = z.object({ exit: z.string() });

async function exitsOf(sql: Sql, studyInstanceUid: string, result: string): Promise<string[]> {
  const rows = await sql.query(
    `SELECT name AS exit FROM pansegnet.exit
     UNION SELECT exit FROM pansegnet.outgoing WHERE study_instance_uid = $1 AND result = $2
     ORDER BY exit`,
    [studyInstanceUid, result],
  );
  return rowsOf(exitRow, rows).map(({ exit }) => exit);
}

const toldRow = z.object({ says: z.string() });

async function toldOf(sql: Sql, exit: string, result: string): Promise<z.output<typeof toldRow>[]> {
  const rows = await sql.query(
    'SELECT says FROM pansegnet.outgoing WHERE exit = $1 AND result = $2 ORDER BY number',
    [exit, result],
  );
  return rowsOf(toldRow, rows);
}

function changeOf(
  { correction }: VolumeRecord,
  { isFirst, isWithdrawn }: { isFirst: boolean; isWithdrawn: boolean },
): ResultChange {
  if (isWithdrawn) return 'withdrawn';
  if (isFirst) return 'finished';
  return correction ? 'corrected' : 'reissued';
}

/**
 * The same for a result and for all that takes its place. A part that has another name now goes on under what
 * it was told as.
 */
async function resultName(
  sql: Sql,
  { seriesInstanceUid, part, model, supersedes }: VolumeRecord,
): Promise<string> {
  const rows = await sql.query(
    'SELECT result FROM pansegnet.outgoing WHERE report = $1 ORDER BY number DESC LIMIT 1',
    [supersedes],
  );
  const [former] = rowsOf(z.object({ result: z.string() }), rows);
  return (
    former?.result ?? deriveUuid('result', seriesInstanceUid, part, model.name, model.sha256, model.mode)
  );
}

/** As many hexadecimal digits as fit in MSH-10 (HL7 2.5.1, 2.14.9.10: 20 characters). */
const ID_DIGITS = 20;

/** @param again how often the same was told before, with something else in between */
const messageId = (exit: string, result: string, says: string, again: number): string =>
  createHash('sha256')
    .update(JSON.stringify([exit, result, says, again]))
    .digest('hex')
    .slice(0, ID_DIGITS)
    .toUpperCase();

function sentVolume({ patientKey: _key, withdrawn: _withdrawn, ...volume }: VolumeRecord): SentVolume {
  return volume;
}
