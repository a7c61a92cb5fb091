import { z } from 'zod';
import { columnsOf, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

export const REVIEW_DECISIONS = ['accepted', 'rejected'] as const;

/** What a reader said of a result. It stays with the node. */
const reviewForm = z.object({
  decision: z.enum(REVIEW_DECISIONS),
  /** In the reader's words; may be empty. */
  reason: z.string(),
  reviewer: z.string(),
  reviewedAt: z.date(),
});
export type Review = Readonly<z.output<typeof reviewForm>>;

/**
 * @param reportInstanceUid SOP Instance UID of the result's report: a result that supersedes it is another
 * one
 */
export async function recordReview(sql: Sql, reportInstanceUid: string, review: Review): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.review (report_sop_instance_uid, decision, reason, reviewer, reviewed_at)
     VALUES ($1, $2, $3, $4, $5)`,
    [reportInstanceUid, review.decision, review.reason, review.reviewer, review.reviewedAt],
  );
}

/** What readers said of a result counts for the one that takes its place with the same segmentation. */
export async function moveReviews(
  sql: Sql,
  from: { readonly sopInstanceUid: string },
  to: { readonly sopInstanceUid: string },
): Promise<void> {
  await sql.query(
    'UPDATE pansegnet.review SET report_sop_instance_uid = $2 WHERE report_sop_instance_uid = $1',
    [from.sopInstanceUid, to.sopInstanceUid],
  );
}

/** The latest review of each result, by the SOP Instance UID of its report. */
export async function latestReviews(
  sql: Sql,
  reportInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, Review>> {
  if (reportInstanceUids.length === 0) return new Map();
  const rows = await sql.query(
    `SELECT DISTINCT ON (report_sop_instance_uid)
       ${columnsOf(reviewRow)}
     FROM pansegnet.review WHERE report_sop_instance_uid = ANY($1::text[])
     ORDER BY report_sop_instance_uid, id DESC`,
    [reportInstanceUids],
  );
  return new Map(
    rowsOf(reviewRow, rows).map(({ reportSopInstanceUid, ...one }) => [reportSopInstanceUid, one]),
  );
}
const reviewRow = reviewForm.extend({ reportSopInstanceUid: z.string() });
