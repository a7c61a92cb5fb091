/**
 * The tables, step by step. A step that was released never changes: what must differ becomes a new step.
 * The number of a step is its place in the list, counted from 1.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE pansegnet.setting (
    name text PRIMARY KEY,
    value text NOT NULL
  );

  -- What is known of each study. The fingerprint tells the series and instance counts that the node did not write.
  CREATE TABLE pansegnet.study (
    study_instance_uid text PRIMARY KEY,
    state text NOT NULL,
    reason text,
    error_code text,
    seen_fingerprint text,
    seen_since timestamptz,
    queued_fingerprint text,
    processed_fingerprint text,
    -- How often it was put in the queue, and how many of these the last work on it answers.
    requests integer NOT NULL DEFAULT 0,
    answered_requests integer NOT NULL DEFAULT 0,
    first_seen_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
  );
  CREATE INDEX study_changed ON pansegnet.study (changed_at DESC);

  -- One run per study, fingerprint and request, however often it is begun: what it fixed stays fixed.
  CREATE TABLE pansegnet.run (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    study_instance_uid text NOT NULL REFERENCES pansegnet.study,
    fingerprint text NOT NULL,
    request_id text NOT NULL,
    content_date_time timestamptz NOT NULL,
    starts integer NOT NULL,
    outcome text,
    finished_at timestamptz,
    UNIQUE (study_instance_uid, fingerprint, request_id)
  );
  CREATE TABLE pansegnet.run_input (
    run_id integer NOT NULL REFERENCES pansegnet.run ON DELETE CASCADE,
    slot text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (run_id, slot)
  );
  CREATE TABLE pansegnet.fixed_time (
    name text PRIMARY KEY,
    at timestamptz NOT NULL
  );

  CREATE TABLE pansegnet.series_decision (
    study_instance_uid text NOT NULL REFERENCES pansegnet.study,
    place integer NOT NULL,
    series_instance_uid text NOT NULL,
    description text NOT NULL,
    class text NOT NULL,
    chosen boolean NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (study_instance_uid, place)
  );

  CREATE TABLE pansegnet.result_series (
    series_instance_uid text PRIMARY KEY,
    study_instance_uid text NOT NULL,
    sop_instance_uid text NOT NULL,
    kind text NOT NULL,
    recorded_at timestamptz NOT NULL
  );
  CREATE INDEX result_series_study ON pansegnet.result_series (study_instance_uid);

  -- Series of a modality that the node writes too, and whether it was the node: looked up once.
  CREATE TABLE pansegnet.series_origin (
    series_instance_uid text PRIMARY KEY,
    own boolean NOT NULL
  );

  CREATE TABLE pansegnet.volume (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_key text NOT NULL,
    study_instance_uid text NOT NULL,
    study_date text NOT NULL,
    study_time text NOT NULL,
    series_instance_uid text NOT NULL,
    part text NOT NULL,
    class text NOT NULL,
    model_name text NOT NULL,
    model_version text NOT NULL,
    model_sha256 text NOT NULL,
    mode text NOT NULL,
    volume_ml double precision NOT NULL,
    voxel_count integer NOT NULL,
    flags jsonb NOT NULL,
    seg jsonb,
    report jsonb NOT NULL,
    supersedes text,
    content_date_time timestamptz NOT NULL,
    UNIQUE (series_instance_uid, part, model_name, model_version, model_sha256, mode)
  );
  CREATE INDEX volume_patient ON pansegnet.volume (patient_key, study_date);
  `,
  `
  -- How uncertain a volume is, what a reader corrected it to, and whether it was withdrawn.
  ALTER TABLE pansegnet.volume
    ADD COLUMN interval_ml jsonb,
    ADD COLUMN correction jsonb,
    ADD COLUMN withdrawn jsonb;
  CREATE INDEX volume_report ON pansegnet.volume ((report->>'sopInstanceUid'));
  `,
];
