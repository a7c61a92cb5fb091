import type { Page } from 'playwright-core';
import type { Database } from '../../src/store/database/sql.ts';
import { type PagesNode, startPagesNode } from './pages-node.ts';
import { smallInstance } from './small-instance.ts';
import { smallCtSeries } from './small-series.ts';

/** The widths that pages are to fit: a desk, a tablet, a phone. */
export const WIDTHS = [1440, 834, 390] as const;

export interface PagesScene extends PagesNode {
  /** Every kind of page with much on it, by a name for its picture. */
  readonly pages: Readonly<Record<string, string>>;
}

const RESULT = '2.25.329800735698586629295641978511506172918';
const FOLLOW_UP = '2.25.329800735698586629295641978511506172919';
const SKIPPED = '2.25.329800735698586629295641978511506172920';
const FAILED = '2.25.329800735698586629295641978511506172921';
const GAPS = '2.25.329800735698586629295641978511506172922';
const PERSON = {
  PatientID: 'HOSPITAL-NORTH-0000004711-A',
  PatientName: 'Wolfeschlegelsteinhausenbergerdorff^Hubert Blaine^^Prof. Dr.',
  PatientBirthDate: '19600102',
  PatientSex: 'M',
  Manufacturer: 'SIEMENS Healthineers',
  ManufacturerModelName: 'SOMATOM Definition AS+ / syngo CT VA48A',
  StudyDescription: 'CT_Abdomen_Pelvis_with_contrast_portal_venous_and_late_arterial_phase_follow-up',
};
const MANY = 240;

/** A node that has seen much: long words, failures, skipped studies, 240 volumes of other days. */
export async function startPagesScene(): Promise<PagesScene> {
  const scene = await startPagesNode({ pages: { viewerUrl: '/viewer?study={studyInstanceUid}' } });
  await scene.store(smallCtSeries(RESULT, { ...PERSON, StudyDate: '20240301' }));
  await scene.store(smallCtSeries(FOLLOW_UP, { ...PERSON, StudyDate: '20250301' }));
  await scene.store([
    smallInstance(
      { study: SKIPPED, series: `${SKIPPED}.1`, sop: `${SKIPPED}.1.1` },
      { ...PERSON, SeriesDescription: 'scout', ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] },
    ),
  ]);
  const slices = smallCtSeries(GAPS, { ...PERSON, PatientID: 'GAPS', StudyDate: '20250401' });
  await scene.store(slices.filter((_, place) => place !== 3 && place !== 4));
  for (const study of [RESULT, FOLLOW_UP, SKIPPED, FAILED, GAPS]) await scene.process(study);
  await fill(scene.node.database);
  const answer = await fetch(`${scene.node.url}/api/studies/${RESULT}`);
  const { header }: { header: { patientKey: string } } = JSON.parse(await answer.text());
  return {
    ...scene,
    get node() {
      return scene.node;
    },
    pages: {
      studies: '/?when=all',
      'failed-studies': '/?when=all&state=failed',
      'process-again': '/process-again?when=all&state=failed',
      study: `/studies/${RESULT}`,
      'study-failed': `/studies/${GAPS}`,
      'study-skipped': `/studies/${SKIPPED}`,
      patient: `/patients/${header.patientKey}`,
      cohort: '/cohort',
      'cohort-all-columns': `/cohort?${COLUMNS.map((name) => `columns=${name}`).join('&')}`,
      quality: '/quality?month=2026-03',
      candidates: '/candidates',
      'not-found': '/studies/1.2.3',
    },
  };
}

const COLUMNS = (
  'patient person notCompared ageYears sex studyDate study scanner series phase volumeMl flags correctedMl ' +
  'withdrawn review model modelSha256 mode software report measuredAt historyOnly counted'
).split(' ');

/** Until nothing on the page is on its way any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const drawn = (place: string, mark: string) =>
      !document.querySelector(place) || document.querySelector(mark) !== null;
    return (
      drawn('[data-volumes]', '[data-volumes] canvas') &&
      drawn('[data-points]', '[data-points] canvas') &&
      drawn('[data-images]', '[data-images] canvas')
    );
  });
}

/** By how many pixels the page is wider than the window, and what sticks out. */
export const overflow = (page: Page): Promise<{ by: number; what: string[] }> =>
  page.evaluate(() => {
    const by = document.documentElement.scrollWidth - innerWidth;
    const out = [...document.querySelectorAll('main *, header *, footer *')].filter(
      (one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll'),
    );
    return { by, what: by > 0 ? out.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) : [] };
  });

async function fill(database: Database): Promise<void> {
  await database.query(`
    INSERT INTO pansegnet.study (study_instance_uid, state, reason, error_code, first_seen_at, changed_at)
    SELECT '2.25.77' || n, (ARRAY['done', 'done', 'done', 'failed', 'queued'])[n % 5 + 1],
      CASE n % 5 WHEN 3 THEN 'the archive did not answer: connect ECONNREFUSED 10.0.0.5:8042 (series 1.2.840.113619.2.404.3.1694872.'
        || n || ')' END,
      CASE n % 5 WHEN 3 THEN 'DICOM_WEB_UNREACHABLE' END, now() - n * interval '2 hours', now() - n * interval '2 hours'
    FROM generate_series(1, ${MANY}) AS n;
    INSERT INTO pansegnet.study_header (study_instance_uid, patient_key, patient_name, patient_id, sex, birth_date,
      study_date, study_time, description, scanner, words)
    SELECT '2.25.77' || n, md5('p' || n / 3), 'Doe^Jane ' || n / 3, 'P-' || n / 3,
      (ARRAY['F', 'M'])[n % 2 + 1], (1930 + n % 60) || '0102', to_char(date '2026-03-01' - n, 'YYYYMMDD'), '101500',
      'CT abdomen portal venous', (ARRAY['SIEMENS SOMATOM Force', 'GE MEDICAL SYSTEMS Revolution CT',
      'Philips Ingenuity', ''])[n % 4 + 1], 'doe jane'
    FROM generate_series(1, ${MANY}) AS n;
    INSERT INTO pansegnet.volume (patient_key, study_instance_uid, study_date, study_time, series_instance_uid,
      part, class, model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report,
      content_date_time, interval_ml)
    SELECT md5('p' || n / 3), '2.25.77' || n, to_char(date '2026-03-01' - n, 'YYYYMMDD'), '101500',
      '2.25.77' || n || '.1', '', (ARRAY['CT', 'CT', 'T1W'])[n % 3 + 1], 'pansegnet-demo-abdomen', '1.0.0',
      repeat('a', 64), 'fast', 75 - (n % 60) / 2.0 + 18 * sin(n * 1.7), 30000,
      CASE WHEN n % 7 = 0 THEN '["thick-slices", "touches-first-slice", "uncertain-boundary"]' ELSE '[]' END::jsonb,
      jsonb_build_object('seriesInstanceUid', '2.25.78' || n, 'sopInstanceUid', '2.25.78' || n || '.1'),
      jsonb_build_object('seriesInstanceUid', '2.25.79' || n, 'sopInstanceUid', '2.25.79' || n || '.1'),
      timestamptz '2026-03-15 08:00:00Z' + n * interval '1 hour',
      jsonb_build_object('low', 60 - (n % 60) / 2.0, 'high', 82.5)
    FROM generate_series(1, ${MANY}) AS n WHERE n % 5 < 3;
    INSERT INTO pansegnet.run (study_instance_uid, fingerprint, request_id, content_date_time, starts, outcome,
      finished_at)
    SELECT '2.25.77' || n, 'f', 'r', now() - n * interval '2 hours' - interval '140 seconds', 1, 'done',
      now() - n * interval '2 hours' FROM generate_series(1, ${MANY}) AS n WHERE n % 5 < 3;
    INSERT INTO pansegnet.run_input (run_id, slot, value)
    SELECT run.id, 'facts ' || (report->>'sopInstanceUid'), jsonb_build_object('softwareVersion', '0.2.0',
      'sliceThicknessMm', 1 + volume.id % 5, 'sliceSpacingMm', 1, 'meanHu', 85.25, 'sdHu', 17.1, 'phase',
      (ARRAY['portal', 'arterial', 'unenhanced'])[volume.id % 3 + 1])
    FROM pansegnet.volume JOIN pansegnet.run USING (study_instance_uid) WHERE model_name <> 'small-ct';
    INSERT INTO pansegnet.review (report_sop_instance_uid, decision, reason, reviewer, reviewed_at)
    SELECT '2.25.79' || n || '.1', (ARRAY['accepted', 'rejected'])[n % 2 + 1], '', 'reader', now()
    FROM generate_series(1, ${MANY}) AS n WHERE n % 10 < 2;
    UPDATE pansegnet.volume SET withdrawn = jsonb_build_object('reason', '113001', 'note', '2.25.1',
      'at', '2026-03-20T08:00:00.000Z') WHERE model_name <> 'small-ct' AND id % 9 = 0;
  `);
}
