import express from 'express';
import type { ApiParts } from '../src/http/api/api-parts.ts';
import { ImageCache } from '../src/http/images/image-cache.ts';
import { pageRoutes } from '../src/http/pages/pages.ts';
import { openDatabase } from '../src/store/database/database.ts';
import type { Database } from '../src/store/database/sql.ts';
import { StudyEvents } from '../src/store/events/study-events.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';

/** What was promised for a history of 5,000 studies of 1,500 patients. */
const LIMIT_MS = 200;
const REQUESTS = 20;

/** How soon the server has a page ready, from a history of many studies in the embedded database. */
export async function benchPages({ quick }: BenchOptions): Promise<BenchRow[]> {
  const [studies, patients] = quick ? [50, 15] : [5_000, 1_500];
  const database = await openDatabase({ memory: true });
  try {
    await fillHistory(database, studies, patients);
    const server = express()
      .use(pageRoutes(pageParts(database)))
      .listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    const rows: BenchRow[] = [];
    for (const [name, path] of [
      ['dashboard', '/?when=all'],
      ['dashboard, search', '/?when=all&words=patient+1'],
      ['dashboard, last page', `/?when=all&offset=${studies - 50}`],
      ['patient page', `/patients/${keyOf(1)}`],
      ['quality page', '/quality?month=2026-03'],
    ] as const) {
      rows.push({
        name: `pages: ${name}, ${studies} studies`,
        value: await answerMs(url + path),
        unit: 'ms',
        peer: { name: 'promised', value: LIMIT_MS },
      });
    }
    server.close();
    server.closeAllConnections();
    return rows;
  } finally {
    await database.close();
  }
}

async function answerMs(address: string): Promise<number> {
  // What is searched for by words has an address of its own.
  const { url } = await fetch(address);
  const times: number[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const start = performance.now();
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    await response.text();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[REQUESTS >> 1] ?? Number.NaN;
}

const keyOf = (patient: number): string => patient.toString(16).padStart(32, '0');

/** Each patient's studies a year apart, each with a volume and three decisions. */
export async function fillHistory(database: Database, studies: number, patients: number): Promise<void> {
  const numbers = `generate_series(0, ${studies - 1}) AS n`;
  const key = `lpad(to_hex(n % ${patients}), 32, '0')`;
  const date = `to_char(date '2026-03-01' - (n / ${patients}) * 365, 'YYYYMMDD')`;
  await database.query(`
    INSERT INTO pansegnet.study (study_instance_uid, state, first_seen_at, changed_at)
      SELECT '2.25.' || n, 'done', '2026-03-01'::timestamptz + n * interval '1 minute',
        '2026-03-01'::timestamptz + n * interval '1 minute' FROM ${numbers};
    INSERT INTO pansegnet.study_header (study_instance_uid, patient_key, patient_name, patient_id, birth_date_key, sex,
        study_date, study_time, description, scanner, words)
      SELECT '2.25.' || n, ${key}, 'Patient^' || n % ${patients}, 'P-' || n % ${patients}, 'k', 'F', ${date}, '101500',
        'CT abdomen', 'Maker Model ' || n % 5, 'patient^' || n % ${patients} || ' ct abdomen' FROM ${numbers};
    INSERT INTO pansegnet.series_decision
      SELECT '2.25.' || n, place, '2.25.' || n || '.' || place, 'series ' || place, 'CT_ABDOMEN', place = 0, 'a reason'
      FROM ${numbers}, generate_series(0, 2) AS place;
    INSERT INTO pansegnet.volume (patient_key, study_instance_uid, study_date, study_time, series_instance_uid, part, class,
        model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report, content_date_time, interval_ml)
      SELECT ${key}, '2.25.' || n, ${date}, '101500', '2.25.' || n || '.0', '', 'CT', 'model', '1.0.0', 'ab', 'exact',
        60 + n % 40, 30000, '["thick-slices"]'::jsonb,
        jsonb_build_object('seriesInstanceUid', '2.25.' || n || '.8', 'sopInstanceUid', '2.25.' || n || '.8.1'),
        jsonb_build_object('seriesInstanceUid', '2.25.' || n || '.9', 'sopInstanceUid', '2.25.' || n || '.9.1'),
        '2026-03-01'::timestamptz + n * interval '1 minute', '{"low": 55, "high": 105}'::jsonb FROM ${numbers};
    INSERT INTO pansegnet.review (report_sop_instance_uid, decision, reason, reviewer, reviewed_at)
      SELECT '2.25.' || n || '.9.1', 'accepted', '', 'reader', now() FROM ${numbers} WHERE n % 3 = 0;
    ANALYZE;
  `);
}

/** The pages alone: no archive is asked. */
function pageParts(database: Database): ApiParts {
  const now = () => new Date();
  const unused = async (): Promise<never> => {
    throw new Error('the benchmark does not ask for it');
  };
  const images = new ImageCache(unused, 1);
  return {
    database,
    basePath: '',
    now,
    events: new StudyEvents(database, { now, onError: () => {} }),
    trends: { correctedCounts: true, repeatabilityPercent: { CT: 7 } },
    pages: {
      viewerUrl: null,
      referenceRange: 'none',
      cohortPatient: 'key',
      researchOnly: true,
      version: '0',
    },
    process: unused,
    dead: { list: unused, drop: unused },
    forgetImages: () => undefined,
    images: (result) => images.imagesOf(result),
    instance: unused,
    withdraw: undefined,
    modelNotice: async () => undefined,
    modelsInUse: async () => [],
    candidates: { report: unused, page: unused },
    health: async () => ({ items: [], lookedAt: now(), figures: undefined }),
    tries: async () => new Map(),
  };
}
