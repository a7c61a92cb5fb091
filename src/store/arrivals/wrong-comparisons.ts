import type { Sql } from '../database/sql.ts';
import { studiesComparedWrongly } from '../records/report-priors.ts';
import { announceStudies } from './announcements.ts';

/**
 * Announces the studies whose reports compare with what may be another person's, now that more is known: a
 * look at them has their reports made anew.
 * @param known.studyInstanceUid whose identity, or place in the history, has become known
 * @param known.patientKeys under which there may be such reports
 */
export async function announceWrongComparisons(
  sql: Sql,
  known: { readonly studyInstanceUid?: string; readonly patientKeys: readonly string[] },
  now: Date,
): Promise<void> {
  const studyInstanceUids = await studiesComparedWrongly(sql, known.patientKeys, known.studyInstanceUid);
  await announceStudies(sql, { studyInstanceUids, source: { kind: 'poll' }, now, dueAt: now });
}
