import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import type { Run } from './run-log.ts';

/** What is known of a decision beside its class and its reason; left out where it is not known. */
export const decisionDetails = z.object({
  /** yes, possible or no. */
  certainty: z.string().optional(),
  /** Of contrast enhancement. */
  phase: z.string().optional(),
  /** How much of the body the images cover, in mm. */
  coverageMm: z.number().optional(),
});
export type DecisionDetails = Readonly<z.output<typeof decisionDetails>>;

const kept = z.array(decisionDetails.extend({ seriesInstanceUid: z.string() }));

/** With the run's other inputs, as they go with it. */
const SLOT = 'decisions';

/** Keeps the details of a run's decisions, in their order, in place of earlier ones. */
export async function recordDecisionDetails(
  sql: Sql,
  run: Pick<Run, 'id'>,
  decisions: readonly (DecisionDetails & { readonly seriesInstanceUid: string })[],
): Promise<void> {
  const details = decisions.map(({ seriesInstanceUid, certainty, phase, coverageMm }) => ({
    seriesInstanceUid,
    certainty,
    phase,
    coverageMm,
  }));
  await sql.query(
    `INSERT INTO pansegnet.run_input (run_id, slot, value) VALUES ($1, $2, $3::jsonb)
     ON CONFLICT (run_id, slot) DO UPDATE SET value = excluded.value`,
    [run.id, SLOT, JSON.stringify(details)],
  );
}

/**
 * The details of the latest decisions of studies, to be put to the decisions of the same order.
 * @param decisions of each study
 */
export async function withDetails<T extends { readonly seriesInstanceUid: string }>(
  sql: Sql,
  decisions: ReadonlyMap<string, readonly T[]>,
): Promise<Map<string, (T & DecisionDetails)[]>> {
  const rows = await sql.query(
    `SELECT DISTINCT ON (study_instance_uid) study_instance_uid AS "studyInstanceUid", value
     FROM pansegnet.run_input JOIN pansegnet.run ON run.id = run_input.run_id
     WHERE slot = $1 AND study_instance_uid = ANY($2::text[])
     ORDER BY study_instance_uid, run.id DESC`,
    [SLOT, [...decisions.keys()]],
  );
  const found = rowsOf(z.object({ studyInstanceUid: z.string(), value: kept }), rows);
  const byStudy = new Map(found.map(({ studyInstanceUid, value }) => [studyInstanceUid, value]));
  return new Map(
    [...decisions].map(([study, all]) => [
      study,
      all.map((one, place) => {
        const { seriesInstanceUid, ...details } = byStudy.get(study)?.[place] ?? {};
        return seriesInstanceUid === one.seriesInstanceUid ? { ...one, ...details } : one;
      }),
    ]),
  );
}
