import { LISTS_AT_SIZE } from './step-at-size.ts';
import { CANDIDATE_TABLES } from './step-candidates.ts';
import { PENDING_COMMITMENTS } from './step-commitments.ts';
import { EARLIER_YEARS } from './step-earlier-years.ts';
import { RESULTS_OUT } from './step-results-out.ts';

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

  -- What is known of each study. The fingerprint tells the series and instance counts that the node did
  -- not write.
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
  `
  -- Studies that somebody announced, until a look has found them complete. Each announcement makes a new
  -- ticket: a look takes away only the announcement that it answers.
  CREATE TABLE pansegnet.announcement (
    study_instance_uid text PRIMARY KEY,
    source jsonb NOT NULL,
    -- Sources that say more have the lower rank; of several announcements, their source is kept.
    rank integer NOT NULL,
    ticket text NOT NULL,
    announced_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    -- Looks in a row that found no study or got no answer.
    failures integer NOT NULL DEFAULT 0
  );
  CREATE INDEX announcement_due ON pansegnet.announcement (due_at);
  -- The way by which a study became known.
  ALTER TABLE pansegnet.study ADD COLUMN source jsonb;

  -- The counts that the archive's list of studies gave when a study was last announced because of them.
  CREATE TABLE pansegnet.listed_study (
    study_instance_uid text PRIMARY KEY,
    counts text NOT NULL,
    announced_at timestamptz NOT NULL
  );

  -- How far an Orthanc's list of changes has been followed, and the change that stands there.
  CREATE TABLE pansegnet.change_position (
    archive text PRIMARY KEY,
    sequence bigint NOT NULL,
    change text
  );

  -- Patients (by keyed hashes) and studies that are never processed.
  CREATE TABLE pansegnet.opt_out (
    kind text NOT NULL,
    key text NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
  );
  `,
  `
  -- What people need to find a study, and to see whether two studies are of one person. Name, ids and
  -- birth date are empty where the site keeps none; the keys (keyed hashes) are always there.
  CREATE TABLE pansegnet.study_header (
    study_instance_uid text PRIMARY KEY,
    patient_key text NOT NULL,
    patient_name text,
    patient_id text,
    issuer text,
    birth_date text,
    birth_date_key text,
    sex text,
    study_date text NOT NULL,
    study_time text NOT NULL,
    description text NOT NULL,
    accession_number text,
    scanner text NOT NULL,
    -- Lower case: what a search for words looks at.
    words text NOT NULL
  );
  CREATE INDEX study_header_patient ON pansegnet.study_header (patient_key);
  CREATE INDEX study_header_date ON pansegnet.study_header (study_date);
  CREATE INDEX study_state ON pansegnet.study (state, changed_at DESC);
  CREATE INDEX volume_study ON pansegnet.volume (study_instance_uid);
  CREATE INDEX volume_made ON pansegnet.volume (content_date_time);

  -- How far the work on a study is.
  CREATE TABLE pansegnet.study_progress (
    study_instance_uid text PRIMARY KEY,
    stage text NOT NULL,
    subject text NOT NULL,
    fraction double precision,
    updated_at timestamptz NOT NULL
  );
  CREATE INDEX study_progress_updated ON pansegnet.study_progress (updated_at);

  -- What readers said of a result. The latest counts, all are kept.
  CREATE TABLE pansegnet.review (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_sop_instance_uid text NOT NULL,
    decision text NOT NULL,
    reason text NOT NULL,
    reviewer text NOT NULL,
    reviewed_at timestamptz NOT NULL
  );
  CREATE INDEX review_report ON pansegnet.review (report_sop_instance_uid, id DESC);
  `,
  `
  -- Messages on their way out: one per event and channel, kept until they are delivered or given up.
  CREATE TABLE pansegnet.notification (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The event that it tells of: the same event is told once.
    event_key text NOT NULL,
    channel text NOT NULL,
    message jsonb NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    -- How it ended; empty while it is on its way.
    outcome text,
    last_error text,
    UNIQUE (event_key, channel)
  );
  CREATE INDEX notification_due ON pansegnet.notification (next_try_at) WHERE outcome IS NULL;
  `,
  `
  -- Jobs that a step makes of what an earlier version kept elsewhere, until their queue is next opened
  -- and takes them. Without
  -- a limit of retries a job is over: it only keeps its id from being used again.
  CREATE TABLE pansegnet.handed_over_job (
    id uuid PRIMARY KEY,
    queue text NOT NULL,
    data jsonb NOT NULL,
    due_at timestamptz NOT NULL,
    retry_limit integer,
    -- Seconds; pauses double from there.
    retry_delay integer
  );

  -- Notifications are jobs. An id comes from the event and the channel (see notificationId), and a
  -- number from where the ids of
  -- the table ended. Of 18 tries those that were made are gone, and the pauses go on from where they stood.
  INSERT INTO pansegnet.handed_over_job (id, queue, data, due_at, retry_limit, retry_delay)
  SELECT encode(substr(sha256(convert_to(channel || ' ' || event_key, 'UTF8')), 1, 16), 'hex')::uuid,
         'notification',
         jsonb_build_object('number', id, 'channel', channel, 'message', message),
         next_try_at,
         CASE WHEN outcome IS NULL THEN greatest(0, 17 - tries) END,
         CASE WHEN outcome IS NULL THEN least(3600, 30 * 2 ^ least(tries, 7))::integer END
  FROM pansegnet.notification;
  CREATE SEQUENCE pansegnet.notification_number AS integer;
  SELECT setval('pansegnet.notification_number', last_value, is_called) FROM pansegnet.notification_id_seq;
  DROP TABLE pansegnet.notification;
  `,
  `
  -- Whose a study is, beside the PatientID: what its name is compared by (keyed hashes), and whether its
  -- PatientID names anybody.
  ALTER TABLE pansegnet.study_header
    ADD COLUMN name_keys jsonb,
    ADD COLUMN identified boolean NOT NULL DEFAULT true,
  -- What the last run found its images to say of their patient (keyed hashes of all of it), empty where they
  -- were of several; and what a look last found instead. Null: an earlier version kept none.
    ADD COLUMN identity_keys jsonb,
    ADD COLUMN noticed_identity text,
  -- Goes into the UIDs of SEGs that were written anew because the archive kept the former patient in them.
    ADD COLUMN reissue text;
  -- The earlier studies that a report compares with.
  CREATE TABLE pansegnet.report_prior (
    report_sop_instance_uid text NOT NULL,
    prior_study_instance_uid text NOT NULL,
    PRIMARY KEY (report_sop_instance_uid, prior_study_instance_uid)
  );
  CREATE INDEX report_prior_study ON pansegnet.report_prior (prior_study_instance_uid);
  -- Whose the archive's list last said that a study is (keyed hash).
  ALTER TABLE pansegnet.listed_study ADD COLUMN patient text;
  -- When the patient of the study was erased: the study itself is kept, so that it is not taken for new.
  ALTER TABLE pansegnet.study ADD COLUMN erased_at timestamptz;
  -- Whose it was (keyed hashes) when the opt-out list kept it out: of such a study nothing else is kept.
  ALTER TABLE pansegnet.study ADD COLUMN ignored_identities jsonb;
  `,
  `
  -- The tracking UID of each patient's pancreas. Null: the one that is made of the PatientID alone, which
  -- patients of earlier versions keep.
  CREATE TABLE pansegnet.tracking (
    patient_key text PRIMARY KEY,
    uid text
  );
  INSERT INTO pansegnet.tracking (patient_key) SELECT DISTINCT patient_key FROM pansegnet.volume;
  `,
  `
  -- What the rest of the stage will take, by what was done of it.
  ALTER TABLE pansegnet.study_progress ADD COLUMN seconds_left double precision;
  `,
  `
  -- Orders: workitems (PS3.4 CC) that this node performs, of a worklist elsewhere or of its own (worklist
  -- is empty then). The transaction UID is the key to the workitem: it is kept before the worklist hears
  -- of it.
  CREATE TABLE pansegnet.performed_order (
    worklist text NOT NULL,
    workitem_uid text NOT NULL,
    transaction_uid text NOT NULL UNIQUE,
    study_instance_uid text,
    -- What it asks for, as it was read; and how it answers: the order's own identifiers.
    request jsonb NOT NULL,
    accession_number text NOT NULL,
    requested_procedure text NOT NULL,
    state text NOT NULL,
    claimed_at timestamptz NOT NULL,
    -- When the study was put in the queue for it; when the results began to be stored, from when on it
    -- cannot be canceled any more.
    requested_at timestamptz,
    storing_at timestamptz,
    cancel_requested_at timestamptz,
    -- How it is to end, fixed before the worklist is told; and when the worklist knew.
    ending jsonb,
    ended_at timestamptz,
    reason text,
    percent integer,
    -- How often the worklist refused the end.
    refusals integer NOT NULL DEFAULT 0,
    -- Which process is at it, and until when nobody else is.
    lease_owner text,
    lease_until timestamptz,
    PRIMARY KEY (worklist, workitem_uid)
  );
  CREATE INDEX performed_order_study ON pansegnet.performed_order (study_instance_uid);
  CREATE INDEX performed_order_open ON pansegnet.performed_order (claimed_at) WHERE ended_at IS NULL;
  -- The node's own worklist: what others sent as orders. The data set is in the DICOM JSON model.
  CREATE TABLE pansegnet.workitem (
    workitem_uid text PRIMARY KEY,
    study_instance_uid text,
    -- Whose it is (keyed hash): erased with the patient.
    patient_key text NOT NULL,
    state text NOT NULL,
    transaction_uid text,
    dataset jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
  );
  CREATE INDEX workitem_study ON pansegnet.workitem (study_instance_uid);
  CREATE INDEX workitem_patient ON pansegnet.workitem (patient_key);
  CREATE INDEX workitem_state ON pansegnet.workitem (state, created_at);
  -- The report (SOP Instance UID) that a series of the node's own goes with; and the reports of a run that
  -- took all that the rules choose. Null: an earlier version kept none.
  ALTER TABLE pansegnet.result_series ADD COLUMN of_report text;
  ALTER TABLE pansegnet.run ADD COLUMN reports jsonb;
  `,
  PENDING_COMMITMENTS,
  RESULTS_OUT,
  EARLIER_YEARS,
  CANDIDATE_TABLES,
  LISTS_AT_SIZE,
];
