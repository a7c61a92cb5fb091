import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { cohortBehaviour, serveCohort } from '../support/cohort-behaviour.ts';

describe('the cohort, in an embedded database', () => {
  cohortBehaviour(() => openDatabase({ memory: true }));
});

const MANY = 100_000;
/** As `cohortRows` reads them. */
const ROWS_AT_A_TIME = 500;

describe('a cohort of 100,000', () => {
  it('is sent as it is read, and not read faster than it is taken', async () => {
    await using opened = new AsyncDisposableStack();
    const database = opened.adopt(await openDatabase({ memory: true }), (one) => one.close());
    await fill(database);
    let pages = 0;
    const counted: Database = {
      ...database,
      query: (sql, parameters) => {
        if (/ORDER BY volume\.id DESC LIMIT/.test(sql)) pages++;
        return database.query(sql, parameters);
      },
    };
    const server = opened.adopt(await serveCohort(counted), (one) => one.close());
    const reader = (await fetch(`${server.url}/volumes.csv`)).body
      ?.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = (await reader?.read())?.value ?? '';

    // Nobody reads on: what is in the database waits there. Queries of this test take turns with the server's.
    let before = -1;
    while (before !== pages) {
      before = pages;
      for (let turn = 0; turn < 20; turn++) await database.query('SELECT 1');
    }
    expect(pages * ROWS_AT_A_TIME).toBeLessThan(MANY / 2);

    let lines = 0;
    for (let done = false; !done; ) {
      lines += text.split('\r\n').length - 1;
      const read = await reader?.read();
      done = read?.done ?? true;
      text = read?.value ?? '';
    }
    expect(lines).toBe(MANY + 1);
    expect(pages).toBe(MANY / ROWS_AT_A_TIME + 1);
  }, 300_000);
});

async function fill(database: Database): Promise<void> {
  await database.query(`
    INSERT INTO pansegnet.study_header (study_instance_uid, patient_key, sex, birth_date, study_date, study_time,
      description, scanner, words)
    SELECT '2.25.' || n, md5('p' || n / 3), 'F', '19600102', '20240301', '101500', 'abdomen', 'Maker A', ''
    FROM generate_series(1, ${MANY}) AS n;
    INSERT INTO pansegnet.volume (patient_key, study_instance_uid, study_date, study_time, series_instance_uid,
      part, class, model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report,
      content_date_time)
    SELECT md5('p' || n / 3), '2.25.' || n, '20240301', '101500', '2.25.' || n || '.1', '', 'CT', 'demo-ct',
      '1.0.0', repeat('a', 64), 'fast', 60 + n % 40, 30000, '[]'::jsonb,
      jsonb_build_object('seriesInstanceUid', '2.25.8' || n, 'sopInstanceUid', '2.25.8' || n || '.1'),
      jsonb_build_object('seriesInstanceUid', '2.25.9' || n, 'sopInstanceUid', '2.25.9' || n || '.1'), now()
    FROM generate_series(1, ${MANY}) AS n;
    ANALYZE;
  `);
}
