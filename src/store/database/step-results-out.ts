/** Results on their way to other systems (FHIR, HL7). */
export const RESULTS_OUT = `
  -- The systems that results go to just now, by the names of the configuration.
  CREATE TABLE pansegnet.exit (
    name text PRIMARY KEY
  );

  -- One message for each exit and each change of a result: put down in the transaction that changes it, kept
  -- for good, so that it can be seen what was sent where. It holds no patient: who it is about is read from
  -- the archive when it is sent.
  CREATE TABLE pansegnet.outgoing (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- By which the receiver knows the message again: derived from the exit, the result and the change.
    id text NOT NULL UNIQUE,
    exit text NOT NULL,
    study_instance_uid text NOT NULL,
    -- What the reports of one part of a series, one model and one mode have in common, as a UUID.
    result text NOT NULL,
    -- finished, reissued, corrected or withdrawn.
    change text NOT NULL,
    -- Tells one change of a result from the next.
    says text NOT NULL,
    -- SOP Instance UID of the report that it is about.
    report text NOT NULL,
    -- The row of the history as it was then, without the patient key.
    volume jsonb NOT NULL,
    put_at timestamptz NOT NULL,
    -- Whether a job to send it was made.
    queued boolean NOT NULL DEFAULT false,
    -- waiting, sent or failed.
    state text NOT NULL DEFAULT 'waiting',
    tries integer NOT NULL DEFAULT 0,
    -- Tries that the receiver refused without saying that it always will.
    refusals integer NOT NULL DEFAULT 0,
    next_try_at timestamptz,
    ended_at timestamptz,
    -- What the receiver, or the lack of one, said last.
    reason text
  );
  CREATE INDEX outgoing_study ON pansegnet.outgoing (study_instance_uid, number);
  CREATE INDEX outgoing_result ON pansegnet.outgoing (exit, result, number);
  CREATE INDEX outgoing_report ON pansegnet.outgoing (report);
  CREATE INDEX outgoing_unsent ON pansegnet.outgoing (exit, number) WHERE state <> 'sent';
  `;
