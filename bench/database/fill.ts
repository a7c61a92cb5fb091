import type { Sql } from '../../src/store/database/sql.ts';

/** People have names in many scripts; each list goes with the one below it. */
const FAMILIES = [
  'Müller^',
  "O'Brien^",
  'Иванова^',
  'Παπαδόπουλος^',
  'Wang^=王^',
  'Yamada^=山田^',
  'Hong^=洪^',
  'حسن^',
  'สมชาย^',
  'García Márquez^',
];
const GIVEN = ['Jörg', 'Anna', 'Наталья', 'Ελένη', '小明', '太郎', '吉洞', 'علي', 'ใจดี', 'José'];
const DESCRIPTIONS = [
  'CT abdomen',
  'MR Pankreas',
  'Abdomen КТ',
  '腹部CT平扫',
  'Oberbauch',
  'body w/o contrast',
];
const SCANNERS = 7;
/** Studies change evenly over so long before the moment that the database is filled. */
const YEARS = 4;
/** Jobs that are over, waiting and given up. */
const JOBS = { completed: 0.168, waiting: 0.0003, dead: 0.001 };

/** Of a study by its number, counted from 0: the newest. */
export const studyUid = (n: number): string => `1.2.826.0.1.3680043.10.999.${n}`;
export const reportUid = (n: number): string => `${studyUid(n)}.9.1`;
const STUDY = "'1.2.826.0.1.3680043.10.999.' || n";
/** Three studies a patient. */
export const patientNumber = (n: number): number => Math.floor(n / 3);
export const patientKey = (n: number): string => patientNumber(n).toString(16).padStart(32, '0');
const PATIENT = "lpad(to_hex(n / 3), 32, '0')";
/** 90 % done, 6.9 skipped, 1.5 failed, 1 seen, 0.5 queued, and one running. */
const STATE = `CASE WHEN n = 1 THEN 'running' WHEN n % 1000 < 900 THEN 'done' WHEN n % 1000 < 970 THEN 'skipped'
  WHEN n % 1000 < 985 THEN 'failed' WHEN n % 1000 < 995 THEN 'seen' ELSE 'queued' END`;
const HAS_VOLUME = 'n % 1000 < 900 AND n <> 1';
const CLASS = "(ARRAY['CT', 'CT', 'CT', 'T1W', 'T2W'])[1 + n % 5]";
const pick = (from: readonly string[], index: string): string =>
  `(ARRAY[${from.map((one) => `'${one.replaceAll("'", "''")}'`).join(', ')}])[1 + (${index}) % ${from.length}]`;
const NAME = `${pick(FAMILIES, 'n / 3')} || ${pick(GIVEN, 'n / 30')}`;
const PATIENT_ID = "'P' || lpad((n / 3)::text, 8, '0')";
const ACCESSION = "'A' || lpad(n::text, 9, '0')";
const DESCRIPTION = pick(DESCRIPTIONS, 'n');
const SCANNER = `'Maker Model ' || n % ${SCANNERS}`;

/**
 * Fills a database that holds the node's tables and queues with so many studies and all that a node writes
 * for each: the newest was changed just now.
 */
export async function fillDatabase(sql: Sql, studies: number): Promise<void> {
  const at = `now() - n * (interval '${YEARS} years' / ${studies})`;
  const date = `to_char(${at} - interval '1 hour', 'YYYYMMDD')`;
  const all = `FROM generate_series(0, ${studies - 1}) AS n`;
  const measured = `${all} WHERE ${HAS_VOLUME}`;
  const uid = (ending: string) => `${STUDY} || '${ending}'`;
  const reference = (series: string) =>
    `jsonb_build_object('seriesInstanceUid', ${uid(series)}, 'sopInstanceUid', ${uid(`${series}.1`)})`;
  const statements = [
    `INSERT INTO pansegnet.study (study_instance_uid, state, error_code, reason, seen_fingerprint, seen_since,
       queued_fingerprint, processed_fingerprint, requests, answered_requests, first_seen_at, changed_at, source)
     SELECT ${STUDY}, ${STATE}, CASE WHEN n % 1000 BETWEEN 970 AND 984 THEN 'DICOM_GEOMETRY' END,
       CASE WHEN n % 1000 BETWEEN 900 AND 984 THEN 'a reason in plain words' END, md5(n::text), ${at},
       md5(n::text), md5(n::text), 1, 1, ${at}, ${at}, '{"kind": "poll"}' ${all}`,
    `INSERT INTO pansegnet.study_header (study_instance_uid, patient_key, patient_name, patient_id, birth_date,
       birth_date_key, sex, study_date, study_time, description, accession_number, scanner, words, name_keys,
       identified)
     SELECT ${STUDY}, ${PATIENT}, ${NAME}, ${PATIENT_ID}, '19600102', md5('b' || n / 3), 'F', ${date}, '101500',
       ${DESCRIPTION}, ${ACCESSION}, ${SCANNER}, lower(concat_ws(E'\\n', ${NAME}, ${PATIENT_ID}, ${ACCESSION},
       ${DESCRIPTION}, ${SCANNER}, ${STUDY})), NULL, true ${all}`,
    `INSERT INTO pansegnet.series_decision
     SELECT ${STUDY}, place, ${STUDY} || '.' || place, 'series ' || place, ${CLASS}, place = 0, 'a reason'
     ${all}, generate_series(0, 2) AS place`,
    `INSERT INTO pansegnet.volume (patient_key, study_instance_uid, study_date, study_time, series_instance_uid,
       part, class, model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report,
       content_date_time, interval_ml)
     SELECT ${PATIENT}, ${STUDY}, ${date}, '101500', ${uid('.0')}, '', ${CLASS}, 'model', '1.0.0', md5('m'),
       'exact', 60 + n % 40, 30000, CASE WHEN n % 4 = 0 THEN '["thick-slices"]' ELSE '[]' END::jsonb,
       CASE WHEN n % 50 <> 0 THEN ${reference('.8')} END, ${reference('.9')}, ${at},
       '{"low": 55, "high": 105}' ${measured}`,
    `INSERT INTO pansegnet.review (report_sop_instance_uid, decision, reason, reviewer, reviewed_at)
     SELECT ${uid('.9.1')}, CASE WHEN n % 3 = 0 THEN 'accepted' ELSE 'rejected' END, '', 'reader', ${at}
     ${measured} AND n % 5 = 0`,
    `INSERT INTO pansegnet.run (study_instance_uid, fingerprint, request_id, content_date_time, starts, outcome,
       finished_at, reports)
     SELECT ${STUDY}, md5(n::text), 'arrival', ${at} - interval '1 minute', 1, 'done', ${at},
       jsonb_build_array(${uid('.9.1')}) ${measured}`,
    `INSERT INTO pansegnet.run_input (run_id, slot, value)
     SELECT id, slot, jsonb_build_array(jsonb_build_object('seriesInstanceUid', study_instance_uid || '.0',
       'certainty', 'yes')) FROM pansegnet.run, unnest(ARRAY['decisions', 'priors']) AS slot`,
    `INSERT INTO pansegnet.fixed_time (name, at) SELECT ${uid('.8.1')}, ${at} ${measured}`,
    `INSERT INTO pansegnet.result_series (series_instance_uid, study_instance_uid, sop_instance_uid, kind,
       recorded_at)
     SELECT ${STUDY} || series, ${STUDY}, ${STUDY} || series || '.1', kind, ${at}
     ${all}, (VALUES ('.8', 'SEG'), ('.9', 'SR')) AS made (series, kind) WHERE ${HAS_VOLUME}`,
    `INSERT INTO pansegnet.listed_study (study_instance_uid, counts, announced_at)
     SELECT ${STUDY}, md5(n::text), ${at} ${all}`,
    `INSERT INTO pansegnet.study_progress (study_instance_uid, stage, subject, fraction, updated_at)
     SELECT ${STUDY}, 'store', 'series', 1, ${at} ${measured}`,
    `INSERT INTO pansegnet.outgoing (id, exit, study_instance_uid, result, change, says, report, volume, put_at,
       queued, state, ended_at)
     SELECT md5(n::text), 'fhir', ${STUDY}, md5('r' || n), 'finished', md5('s' || n), ${uid('.9.1')}, '{}', ${at},
       true, 'sent', ${at} ${measured} AND n % 3 = 0`,
    `INSERT INTO pgboss.job (name, data, state, policy, dead_letter, singleton_key, created_on, started_on,
       completed_on, keep_until)
     SELECT 'study', ${job()}, 'completed', 'stately', 'study-dead', ${STUDY}, ${at}, ${at}, now(),
       now() + interval '10 years' FROM generate_series(0, ${jobs(studies, 'completed')}) AS n`,
    `INSERT INTO pgboss.job (name, data, policy, dead_letter, singleton_key, created_on, keep_until)
     SELECT 'study', ${job()}, 'stately', 'study-dead', ${STUDY}, ${at}, now() + interval '10 years'
     FROM generate_series(0, ${jobs(studies, 'waiting')}) AS n`,
    `INSERT INTO pgboss.job (name, data, singleton_key, created_on, keep_until, source_output,
       source_retry_count)
     SELECT 'study-dead', ${job()}, ${STUDY}, ${at}, now() + interval '10 years',
       '{"code": "DICOM_GEOMETRY", "reason": "a reason"}', 8
     FROM generate_series(0, ${jobs(studies, 'dead')}) AS n`,
  ];
  for (const statement of statements) await sql.query(statement);
  // What a server's autovacuum does some time later.
  const tables = await sql.query(
    "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('pansegnet', 'pgboss')",
  );
  for (const { name } of tables) await sql.query(`VACUUM (ANALYZE) ${String(name)}`);
}

const job = (): string =>
  `jsonb_build_object('studyInstanceUid', ${STUDY}, 'reason', 'watched', 'requestId', 'arrival', 'takeovers', 0)`;

const jobs = (studies: number, state: keyof typeof JOBS): number => Math.ceil(studies * JOBS[state]);
