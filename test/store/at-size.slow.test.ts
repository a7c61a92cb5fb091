import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillDatabase, patientKey, reportUid, studyUid } from '../../bench/database/fill.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database, Sql } from '../../src/store/database/sql.ts';
import { exitFigures } from '../../src/store/exchange/outgoing.ts';
import { findStudies, findStudyListing } from '../../src/store/records/find-studies.ts';
import { findVolume, latestMode, volumesByPatient } from '../../src/store/records/history.ts';
import { comparedVolumes, findPatient } from '../../src/store/records/patient-record.ts';
import { qualityBetween } from '../../src/store/records/quality.ts';
import { onServer, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';

const STUDIES = 20_000;
const FILLING_MS = 600_000;
const PAGE = { limit: 50, offset: 0 };
const DAY_MS = 86_400_000;
/** Of these, every study has rows. */
const LARGE =
  /Seq Scan on (study|study_header|volume|review|run|run_input|series_decision|listed_study|job_common)\b/;

describeWith(['postgresql'], 'a database of many studies', () => {
  let server: PostgresServer;
  let database: Database;
  let queue: StudyQueue;
  let plans: { sql: string; plan: string }[] = [];
  /** Notes how each question is answered. Where an index can answer it, the planner takes it. */
  const watched: Sql = {
    query: async (sql, parameters) => {
      if (/^\s*(SELECT|WITH)\b/.test(sql)) {
        const rows = await database.query(`EXPLAIN ${sql}`, parameters);
        plans.push({ sql, plan: rows.map((row) => row['QUERY PLAN']).join('\n') });
      }
      return database.query(sql, parameters);
    },
  };

  beforeAll(async () => {
    server = await startPostgres();
    const url = await server.newDatabase();
    const name = new URL(url).pathname.slice(1);
    await onServer(url, `ALTER DATABASE ${name} SET enable_seqscan = off`);
    database = await openDatabase({ url, connections: 4 });
    const engine = await JobEngine.open(database, (error) => console.error(error));
    queue = await StudyQueue.open(engine);
    await queue.stop({ graceMs: 0 });
    await fillDatabase(database, STUDIES);
    await engine.stop();
  }, FILLING_MS);
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  const day = (ago: number): string =>
    new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
  it.each<[string, (sql: Sql) => Promise<unknown>]>([
    ['a list', (sql) => findStudies(sql, {}, PAGE)],
    ['a list far down', (sql) => findStudies(sql, {}, { limit: 50, offset: STUDIES - 60 })],
    ['a list of a state', (sql) => findStudies(sql, { state: 'failed' }, PAGE)],
    ['a list of images', (sql) => findStudies(sql, { class: 'T2W' }, PAGE)],
    ['a list of days', (sql) => findStudies(sql, { from: day(1400), to: day(1300) }, PAGE)],
    ['a list of today', (sql) => findStudies(sql, { changedSince: new Date(Date.now() - DAY_MS) }, PAGE)],
    ['a search for an id', (sql) => findStudies(sql, { words: 'p00000077' }, PAGE)],
    ['a search for a name in Han characters', (sql) => findStudies(sql, { words: '山田 太郎' }, PAGE)],
    ['a search for a Greek name', (sql) => findStudies(sql, { words: 'παπαδ ελένη' }, PAGE)],
    ['a search for what most studies hold', (sql) => findStudies(sql, { words: 'maker' }, PAGE)],
    ['a study', (sql) => findStudyListing(sql, studyUid(7))],
    ['a patient', (sql) => findPatient(sql, patientKey(7))],
    ['a result', (sql) => findVolume(sql, reportUid(7))],
    ['how results are made', (sql) => latestMode(sql)],
    ['a month of quality', (sql) => qualityBetween(sql, new Date(Date.now() - 30 * DAY_MS), new Date())],
    ['what is to be sent', (sql) => exitFigures(sql, new Date())],
  ])('reads no large table from end to end for %s', async (_name, ask) => {
    plans = [];
    await ask(watched);
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.filter(({ plan }) => LARGE.test(plan))).toEqual([]);
  });

  it('is counted as far as people care, and says so', async () => {
    const all = await findStudies(database, {}, PAGE);
    expect(all.states).toMatchObject({ done: 10_000, running: 1 });
    expect(all.atLeast).toEqual(['total', 'done']);
    expect((await findStudies(database, { state: 'failed' }, PAGE)).atLeast).toEqual(['done']);
  });

  it('is shown page after page, each study once, in the order of the pages with numbers', async () => {
    const filter = { state: 'failed' } as const;
    const paged: string[] = [];
    const numbered: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Awaited<ReturnType<typeof findStudies>> = await findStudies(database, filter, {
        ...PAGE,
        after,
      });
      const offset = paged.length;
      paged.push(...page.studies.map(({ study }) => study.studyInstanceUid));
      const same = await findStudies(database, filter, { ...PAGE, offset });
      numbered.push(...same.studies.map(({ study }) => study.studyInstanceUid));
      after = page.next;
    }
    expect(new Set(paged).size).toBe(STUDIES * 0.015);
    expect(paged).toEqual(numbered);
  });

  it('gives its history some whole patients at a time, all of it once', async () => {
    let volumes = 0;
    const seen = new Set<string>();
    for await (const batch of volumesByPatient(database, 1_000)) {
      const patients = new Set(batch.map((volume) => volume.patientKey));
      expect(patients.size).toBeLessThanOrEqual(1_000);
      expect([...patients].filter((key) => seen.has(key))).toEqual([]);
      expect(await comparedVolumes(database, batch)).toHaveLength(patients.size);
      for (const key of patients) seen.add(key);
      volumes += batch.length;
    }
    expect(volumes).toBe(STUDIES * 0.9 - 1);
  });

  it('counts what waits without looking at what is over', async () => {
    await database.query('VACUUM ANALYZE pgboss.job');
    expect(await queue.counts()).toEqual({ waiting: 7, active: 0, dead: 21 });
  });
});
