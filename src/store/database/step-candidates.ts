/** Candidates beside the models in use, and which models were promoted. */
export const CANDIDATE_TABLES = `
  -- What a candidate found in the images of a result, beside what the model in use found: never part of a
  -- history. Waiting: the images are to be segmented by it.
  CREATE TABLE pansegnet.candidate_result (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    study_instance_uid text NOT NULL,
    series_instance_uid text NOT NULL,
    part text NOT NULL,
    class text NOT NULL,
    -- Whose it is, as the opt-out list would name the patient (keyed hashes).
    opt_out_keys jsonb NOT NULL,
    -- The candidate, by the name that the configuration gives it.
    candidate text NOT NULL,
    -- The result in use: SOP Instance UID of its report, and what was found, by which model.
    report text NOT NULL,
    in_use jsonb NOT NULL,
    -- Digest of the very images that the model in use had, and the reader's SEG that takes the place of its
    -- result, where there is one: what both are compared with.
    images text NOT NULL,
    correction jsonb,
    state text NOT NULL,
    -- Counts what was noted: what was found for an earlier note is not written.
    version integer NOT NULL,
    result jsonb,
    reason text,
    error_code text,
    tries integer NOT NULL,
    due_at timestamptz NOT NULL,
    -- Which process is at it, and until when nobody else is.
    lease_owner text,
    lease_until timestamptz,
    noted_at timestamptz NOT NULL,
    ended_at timestamptz,
    UNIQUE (series_instance_uid, part, candidate)
  );
  CREATE INDEX candidate_result_study ON pansegnet.candidate_result (study_instance_uid);
  CREATE INDEX candidate_result_waiting ON pansegnet.candidate_result (due_at) WHERE state = 'waiting';
  -- Which model took the place of which; the latest of a class counts, until the configuration names another
  -- when a node starts.
  CREATE TABLE pansegnet.promotion (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class text NOT NULL,
    model_name text NOT NULL,
    model_version text NOT NULL,
    model_sha256 text NOT NULL,
    -- Null: there was none.
    former text,
    promoted_by text NOT NULL,
    because text,
    promoted_at timestamptz NOT NULL,
    -- When a start found another model in the configuration, and which.
    overruled_at timestamptz,
    overruled_by text
  );
  `;
