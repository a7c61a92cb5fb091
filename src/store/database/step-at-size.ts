/** What lists and searches of very many studies need. Step of `MIGRATIONS`. */
export const LISTS_AT_SIZE = `
  SET LOCAL maintenance_work_mem = '256MB';
  -- What lists are filtered by, beside the state: StudyDate of the header (null: there is none), and of what
  -- kinds of images there are volumes. Triggers keep both, so that one index answers every list.
  ALTER TABLE pansegnet.study
    ADD COLUMN listed_date text,
    ADD COLUMN listed_classes text[] NOT NULL DEFAULT '{}';
  CREATE FUNCTION pansegnet.date_of(uid text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT study_date FROM pansegnet.study_header WHERE study_instance_uid = uid
  $$;
  CREATE FUNCTION pansegnet.classes_of(uid text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT class ORDER BY class), '{}') FROM pansegnet.volume
    WHERE study_instance_uid = uid
  $$;
  DROP INDEX pansegnet.study_changed;
  DROP INDEX pansegnet.study_state;
  UPDATE pansegnet.study SET listed_date = header.study_date, listed_classes = coalesce(found.classes, '{}')
    FROM pansegnet.study AS every
    LEFT JOIN pansegnet.study_header AS header USING (study_instance_uid)
    LEFT JOIN (SELECT study_instance_uid, array_agg(DISTINCT class ORDER BY class) AS classes
      FROM pansegnet.volume GROUP BY study_instance_uid) AS found USING (study_instance_uid)
    WHERE every.study_instance_uid = study.study_instance_uid
      AND (header.study_date IS NOT NULL OR found.classes IS NOT NULL);
  CREATE INDEX study_changed ON pansegnet.study (changed_at DESC, study_instance_uid)
    INCLUDE (state, listed_date, listed_classes);
  CREATE INDEX study_state ON pansegnet.study (state, changed_at DESC, study_instance_uid)
    INCLUDE (listed_date, listed_classes);

  CREATE FUNCTION pansegnet.list_new_study() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.listed_date := pansegnet.date_of(NEW.study_instance_uid);
    NEW.listed_classes := pansegnet.classes_of(NEW.study_instance_uid);
    RETURN NEW;
  END $$;
  CREATE TRIGGER list_new BEFORE INSERT ON pansegnet.study
    FOR EACH ROW EXECUTE FUNCTION pansegnet.list_new_study();
  CREATE FUNCTION pansegnet.list_date() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE pansegnet.study SET listed_date = pansegnet.date_of(touched.uid)
      FROM (SELECT DISTINCT study_instance_uid AS uid FROM changed) AS touched
      WHERE study_instance_uid = touched.uid AND listed_date IS DISTINCT FROM pansegnet.date_of(touched.uid);
    RETURN NULL;
  END $$;
  CREATE FUNCTION pansegnet.list_classes() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE pansegnet.study SET listed_classes = pansegnet.classes_of(touched.uid)
      FROM (SELECT DISTINCT study_instance_uid AS uid FROM changed) AS touched
      WHERE study_instance_uid = touched.uid AND listed_classes <> pansegnet.classes_of(touched.uid);
    RETURN NULL;
  END $$;
  ${triggers('study_header', 'list_date')}
  ${triggers('volume', 'list_classes')}

  -- The pieces of three characters that a text holds, and those of one and two that are not of ASCII, as a
  -- name in Han characters has no more: what holds a word holds its pieces.
  -- No header that people search is longer.
  CREATE FUNCTION pansegnet.pieces(words text) RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 5000 AS $$
    SELECT coalesce(array_agg(piece COLLATE "C"), '{}') FROM (
      SELECT substr(words, place, 3) AS piece
      FROM generate_series(1, least(length(words), 2000) - 2) AS place
      UNION ALL
      SELECT substr(letters, place, size)
      FROM regexp_replace(left(words, 2000), '[ -~]+', ' ', 'g') AS letters,
        generate_series(1, 2) AS size, generate_series(1, length(letters) + 1 - size) AS place) AS all_pieces
    WHERE piece !~ '[ \\n\\r\\t]'
  $$;
  CREATE INDEX study_header_pieces ON pansegnet.study_header USING gin (pansegnet.pieces(words));

  -- A result is named by any of its series and reports.
  CREATE INDEX volume_report_series ON pansegnet.volume ((report->>'seriesInstanceUid'));
  CREATE INDEX volume_seg_series ON pansegnet.volume ((seg->>'seriesInstanceUid'));
  CREATE INDEX volume_corrected ON pansegnet.volume ((correction->'report'->>'sopInstanceUid'))
    WHERE correction IS NOT NULL;
  CREATE INDEX volume_corrected_series ON pansegnet.volume ((correction->'report'->>'seriesInstanceUid'))
    WHERE correction IS NOT NULL;
  ANALYZE pansegnet.study, pansegnet.study_header, pansegnet.volume;
  `;

/** A statement's rows come together, and a changed row with what it was and what it is. */
function triggers(table: string, work: string): string {
  const trigger = (name: string, event: string, rows: 'NEW' | 'OLD'): string =>
    `CREATE TRIGGER ${work}_${name} AFTER ${event} ON pansegnet.${table}
      REFERENCING ${rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pansegnet.${work}();`;
  return [
    trigger('new', 'INSERT', 'NEW'),
    trigger('now', 'UPDATE', 'NEW'),
    trigger('before', 'UPDATE', 'OLD'),
    trigger('gone', 'DELETE', 'OLD'),
  ].join('\n  ');
}
