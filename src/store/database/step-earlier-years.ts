/**
 * The years before the node came: results that are in the history alone, and whose earlier studies were asked
 * for.
 */
export const EARLIER_YEARS = `
  -- Whether the result is in this history alone, and not in the archive: of earlier studies, and of what was
  -- measured again.
  ALTER TABLE pansegnet.volume ADD COLUMN history_alone boolean NOT NULL DEFAULT false;
  -- Patients whose earlier studies the archive is to be asked for, or was. One whose turn is over keeps its
  -- row: nobody is asked about twice.
  CREATE TABLE pansegnet.earlier_search (
    patient_key text PRIMARY KEY,
    -- The study that made the patient known.
    study_instance_uid text NOT NULL,
    due_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    asked_at timestamptz,
    -- How many earlier studies were taken, and which were left out and why.
    answer jsonb
  );
  CREATE INDEX earlier_search_due ON pansegnet.earlier_search (due_at) WHERE asked_at IS NULL;
  -- PatientWeight (kg) and PatientSize (m), where they are plausible.
  ALTER TABLE pansegnet.study_header
    ADD COLUMN weight_kg double precision,
    ADD COLUMN size_m double precision;
  `;
