import { z } from 'zod';
import type { Sql } from '../database/sql.ts';
import type { Run } from './run-log.ts';

/** What is known of a volume beside its row in the history; left out where it is not known. */
export const volumeFacts = z.object({
  /** The program that made the result. */
  softwareVersion: z.string().optional(),
  /** SliceThickness, mm. */
  sliceThicknessMm: z.number().optional(),
  /** From slice to slice, mm. */
  sliceSpacingMm: z.number().optional(),
  /** Inside the pancreas, of CT alone. */
  meanHu: z.number().optional(),
  sdHu: z.number().optional(),
  /** The patient's age at the study, in full years. */
  ageYears: z.number().optional(),
  /** Of contrast enhancement. */
  phase: z.string().optional(),
});
export type VolumeFacts = Readonly<z.output<typeof volumeFacts>>;

/** Of a run's inputs, the slot that holds the facts of a report (SQL; the report is a column or `$1`). */
export const factsSlot = (report: string): string => `'facts ' || (${report})`;

/** Keeps the facts of a volume with the run that measured it; they go when the run goes. */
export async function recordVolumeFacts(
  sql: Sql,
  run: Pick<Run, 'id'>,
  reportInstanceUid: string,
  facts: VolumeFacts,
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.run_input (run_id, slot, value) VALUES ($1, ${factsSlot('$2::text')}, $3::jsonb)
     ON CONFLICT (run_id, slot) DO UPDATE SET value = excluded.value`,
    [run.id, reportInstanceUid, JSON.stringify(volumeFacts.parse(facts))],
  );
}
