import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

export const REVIEW_DECISIONS = ['accepted', 'rejected'] as const;
type ReviewDecision = (typeof REVIEW_DECISIONS)[number];

/** What a reader said of a result. It stays with the node. */
export interface Review {
  readonly decision: ReviewDecision;
  /** In the reader's words; may be empty. */
  readonly reason: string;
  readonly reviewer: string;
  readonly reviewedAt: Date;
}

/** @param reportInstanceUid SOP Instance UID of the result's report: a result that supersedes it is another one */
export async function recordReview(sql: Sql, reportInstanceUid: string, review: Review): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.review (report_sop_instance_uid, decision, reason, reviewer, reviewed_at)
     VALUES ($1, $2, $3, $4, $5)`,
    [reportInstanceUid, review.decision, review.reason, review.reviewer, review.reviewedAt],
  );
}

const reviewRow = z
  .object({
    report_sop_instance_uid: z.string(),
    decision: z.enum(REVIEW_DECISIONS),
    reason: z.string(),
    reviewer: z.string(),
    reviewed_at: z.date(),
  })
  .transform(({ report_sop_instance_uid, reviewed_at, ...review }): readonly [string, Review] => [
    report_sop_instance_uid,
    { ...review, reviewedAt: reviewed_at },
  ]);

/** The latest review of each result, by the SOP Instance UID of its report. */
export async function latestReviews(
  sql: Sql,
  reportInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, Review>> {
  if (reportInstanceUids.length === 0) return new Map();
  const rows = await sql.query(
    `SELECT DISTINCT ON (report_sop_instance_uid)
       report_sop_instance_uid, decision, reason, reviewer, reviewed_at
     FROM pansegnet.review WHERE report_sop_instance_uid = ANY($1::text[])
     ORDER BY report_sop_instance_uid, id DESC`,
    [reportInstanceUids],
  );
  return new Map(z.array(reviewRow).parse(rows));
}
