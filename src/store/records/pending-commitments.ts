import { z } from 'zod';
import type { CommitmentLedger } from '../../dicom/dimse/ledger.ts';
import { columnsOf, rowsOf } from '../database/rows.ts';
import type { Database } from '../database/sql.ts';

const pendingRow = z.object({
  studyInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  sopClassUid: z.string(),
  sopInstanceUid: z.string(),
});

/**
 * A ledger that outlives the process.
 * @param database is asked for when it is first needed: the archive is there before it
 */
export function storedLedger(database: () => Database): CommitmentLedger {
  return {
    expect: async (instances) =>
      database().transaction(async (sql) => {
        for (const { studyInstanceUid, seriesInstanceUid, sopClassUid, sopInstanceUid } of instances) {
          await sql.query(
            `INSERT INTO pansegnet.pending_commitment
               (study_instance_uid, series_instance_uid, sop_class_uid, sop_instance_uid)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
            [studyInstanceUid, seriesInstanceUid, sopClassUid, sopInstanceUid],
          );
        }
      }),
    asked: async (transactionUid, sopInstanceUids) => {
      await database().query(
        `UPDATE pansegnet.pending_commitment SET transaction_uid = $1
         WHERE sop_instance_uid = ANY($2::text[])`,
        [transactionUid, sopInstanceUids],
      );
    },
    pending: async (sopInstanceUids) => {
      const rows = await database().query(
        `SELECT ${columnsOf(pendingRow)} FROM pansegnet.pending_commitment
         WHERE sop_instance_uid = ANY($1::text[])`,
        [sopInstanceUids],
      );
      return rowsOf(pendingRow, rows);
    },
    settled: async (sopInstanceUids, transactionUid) => {
      await database().query(
        `DELETE FROM pansegnet.pending_commitment WHERE sop_instance_uid = ANY($1::text[])
           AND ($2::text IS NULL OR transaction_uid = $2)`,
        [sopInstanceUids, transactionUid ?? null],
      );
    },
  };
}
