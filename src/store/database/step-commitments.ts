/** Step of `MIGRATIONS`. */
export const PENDING_COMMITMENTS = `
  -- Instances that were sent to an archive, or are about to be, and that it has not committed to yet (storage
  -- commitment, PS3.4 annex J). The transaction UID is that of the last request; null: not yet asked.
  CREATE TABLE pansegnet.pending_commitment (
    sop_instance_uid text PRIMARY KEY,
    sop_class_uid text NOT NULL,
    study_instance_uid text NOT NULL,
    series_instance_uid text NOT NULL,
    transaction_uid text
  );
`;
