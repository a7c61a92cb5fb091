import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { cohortOperations } from '../../src/http/api/cohort.ts';
import type { PatientNaming } from '../../src/http/api/cohort-columns.ts';
import { chosenColumns } from '../../src/http/api/cohort-query.ts';
import { routerOf } from '../../src/http/api/operation.ts';
import { errorAnswer } from '../../src/http/error-answer.ts';
import { listen, type RunningServer } from '../../src/http/listen.ts';
import { cohortBody, USUAL_COLUMNS } from '../../src/http/pages/cohort.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { cohortPage, cohortSummary } from '../../src/store/records/cohort.ts';
import { recordCorrection, recordVolume, recordWithdrawal } from '../../src/store/records/history.ts';
import { recordReview } from '../../src/store/records/reviews.ts';
import { beginRun } from '../../src/store/records/run-log.ts';
import { headerRecorder } from '../../src/store/records/study-header.ts';
import { recordVolumeFacts } from '../../src/store/records/volume-facts.ts';
import type { MeasuredVolume } from '../../src/store/records/volume-record.ts';
import { measuredVolume } from './measured-volume.ts';

const ascending = (a: number, b: number): number => a - b;

const NOW = new Date('2026-03-02T08:00:00Z');

/** The API's part that tells of all volumes, on a port of its own. */
export async function serveCohort(
  database: Database,
  naming: PatientNaming = 'key',
  modelsInUse?: readonly string[],
): Promise<RunningServer> {
  const problems: unknown[] = [];
  const operations = cohortOperations({
    database,
    ...(modelsInUse ? { modelHashesInUse: async () => new Set(modelsInUse) } : {}),
    trends: { correctedCounts: true, repeatabilityPercent: {} },
    pages: {
      viewerUrl: null,
      referenceRange: 'none',
      cohortPatient: naming,
      researchOnly: true,
      version: '0',
    },
  });
  const app = express()
    .use(routerOf(operations))
    .use(errorAnswer((error) => problems.push(error)));
  return listen(app, '127.0.0.1', 0);
}

/** A line of the file, split where no quote is open. */
const fieldsOf = (line: string): string[] =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, field = '']) => field.replace(/^"|"$/g, '').replaceAll('""', '"'))
    .slice(0, -1);

function tableOf(csv: string): Record<string, string>[] {
  const [names = '', ...lines] = csv.trimEnd().split('\r\n');
  const columns = fieldsOf(names);
  return lines.map((line) => Object.fromEntries(fieldsOf(`${line},`).map((value, i) => [columns[i], value])));
}

/** What is told of all volumes, wherever the database is. */
export function cohortBehaviour(open: () => Promise<Database>): void {
  let database: Database;
  let server: RunningServer;
  let named: RunningServer;
  beforeAll(async () => {
    database = await open();
    for (let n = 0; n < COUNT; n++) await addVolume(database, n);
    server = await serveCohort(database);
    named = await serveCohort(database, 'id');
  }, 120_000);
  afterAll(async () => {
    await server?.close();
    await named?.close();
    await database?.close();
  });
  const csvOf = async (query = '', from = server) =>
    tableOf(await (await fetch(`${from.url}/volumes.csv?${query}`)).text());

  it('is the database, value by value, in CSV and in JSON', async () => {
    const rows = await database.query(
      `SELECT volume.*, header.*, volume.study_instance_uid AS study, volume.patient_key AS patient,
         (SELECT decision FROM pansegnet.review WHERE report_sop_instance_uid = report->>'sopInstanceUid'
          ORDER BY id DESC LIMIT 1) AS decision,
         (SELECT value FROM pansegnet.run_input JOIN pansegnet.run ON run.id = run_id
          WHERE run.study_instance_uid = volume.study_instance_uid) AS facts
       FROM pansegnet.volume JOIN pansegnet.study_header AS header
         ON header.study_instance_uid = volume.study_instance_uid ORDER BY volume.id DESC`,
    );
    expect(rows).toHaveLength(COUNT);
    const expected = rows.map((row) => databaseRow(row));
    const told = await csvOf();
    expect(told.map((row) => pick(row, Object.keys(expected[0] ?? {})))).toEqual(
      expected.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, String(v ?? '')]))),
    );
    const json: { volumes: Record<string, unknown>[] } = JSON.parse(
      await (await fetch(`${server.url}/volumes.json`)).text(),
    );
    expect(json.volumes.map((row) => Object.keys(row))).toEqual(told.map((row) => Object.keys(row)));
    expect(
      json.volumes.map(({ flags, ...row }) => ({ ...pick(row, Object.keys(expected[0] ?? {})), flags })),
    ).toEqual(expected.map(({ flags, ...row }) => ({ ...row, flags: flags === '' ? [] : flags.split(' ') })));
  });

  it('names patients by their key alone, unless the configuration says otherwise', async () => {
    const [plain = {}] = await csvOf();
    expect(Object.keys(plain)).not.toContain('patientId');
    expect(Object.values(plain).join(' ')).not.toContain('PID');
    const [first = {}] = await csvOf('', named);
    expect(first).toMatchObject({ patientId: `PID-${COUNT - 1}`, issuer: 'HOSPITAL' });
  });

  it.each([
    [
      'from=2024-01-05&to=20240110',
      ({ studyDate }) => studyDate !== undefined && studyDate >= '20240105' && studyDate <= '20240110',
    ],
    ['scanner=maker+b', ({ scanner }) => scanner === 'Maker B'],
    ['model=demo-mr', ({ model }) => model === 'demo-mr'],
    ['class=T2W', (row) => row['class'] === 'T2W'],
    ['phase=portal', ({ phase }) => phase === 'portal'],
    ['flag=thick-slices', ({ flags }) => flags?.includes('thick-slices') ?? false],
    ['flag=none', ({ flags }) => flags === ''],
    ['review=rejected', ({ review }) => review === 'rejected'],
    ['review=none', ({ review }) => review === ''],
    ['review=corrected', ({ correctedMl }) => correctedMl !== ''],
    ['review=withdrawn', ({ withdrawn }) => withdrawn !== ''],
    [
      'ageFrom=30&ageTo=40',
      ({ ageYears }) => ageYears !== '' && Number(ageYears) >= 30 && Number(ageYears) <= 40,
    ],
    ['sex=F&class=CT', (row) => row['sex'] === 'F' && row['class'] === 'CT'],
  ] satisfies [string, (row: Record<string, string>) => boolean][])(
    'is filtered by %s',
    async (query, fits) => {
      const all = await csvOf();
      const wanted = all.filter((row) => fits(row));
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.length).toBeLessThan(all.length);
      expect(await csvOf(query)).toEqual(wanted);
    },
  );

  it('has the columns that are asked for, in its own order, and refuses those that there are not', async () => {
    const [row = {}] = await csvOf('columns=volumeMl&columns=study&columns=patientId');
    expect(Object.keys(row)).toEqual(['study', 'volumeMl']);
    const refused = await fetch(`${server.url}/volumes.csv?columns=password`);
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'BAD_REQUEST' }]);
    for (const query of ['scanner=%00', 'ageFrom=-1', 'month=2026-13', 'class=PET'])
      expect((await fetch(`${server.url}/volumes.csv?${query}`)).status, query).toBe(400);
  });

  it('gives charts what counts alone: nothing withdrawn, rejected or not found; corrections in its place', async () => {
    const all = await csvOf();
    const counted = all.filter(
      ({ withdrawn, review, flags }) =>
        !withdrawn && review !== 'rejected' && !flags?.includes('nothing-found'),
    );
    const answer = await fetch(`${server.url}/volumes/points`);
    const {
      points,
      bins,
      binMl,
    }: Record<string, { ml: number; volumes: number; bin: number }[]> & {
      binMl: number;
    } = JSON.parse(await answer.text());
    const ml = counted
      .map(({ volumeMl, correctedMl }) => Number(correctedMl || volumeMl))
      .sort((a, b) => a - b);
    expect(points?.map((one) => one.ml).sort((a, b) => a - b)).toEqual(ml);
    const expected = Map.groupBy(ml, (one) => Math.floor(one / binMl));
    expect(bins).toEqual([...expected].map(([bin, { length: volumes }]) => ({ bin, volumes })));
    expect(all.filter(({ counted: one }) => one === 'yes')).toEqual(counted);
  });

  it('tells people under one PatientID apart, as the history does', async () => {
    await using opened = new AsyncDisposableStack();
    const one = opened.adopt(await open(), (fresh) => fresh.close());
    // The same PatientID three times: a woman, a man of another birth date, and the woman again.
    const births = ['19500102', '19710304', '19500102'];
    for (const [n, birth] of births.entries())
      await addStudy(one, n, {
        PatientID: 'SHARED',
        PatientBirthDate: birth,
        PatientSex: n === 1 ? 'M' : 'F',
      });
    const { url } = opened.adopt(await serveCohort(one), (running) => running.close());
    // By a filter, the stranger stands alone and keeps his number.
    for (const query of ['', 'sex=M&']) {
      const told = tableOf(
        await (
          await fetch(`${url}/volumes.csv?${query}columns=study&columns=person&columns=notCompared`)
        ).text(),
      );
      const expected = query ? [1] : [2, 1, 0];
      expect(told).toEqual(
        expected.map((n) => ({
          study: `2.25.99${n}`,
          person: n === 1 ? '2' : '1',
          notCompared: 'contradiction',
        })),
      );
    }
    const json: { volumes: unknown[] } = JSON.parse(await (await fetch(`${url}/volumes.json?sex=M`)).text());
    expect(json.volumes).toMatchObject([{ person: 2, notCompared: 'contradiction' }]);
    expect(await cohortSummary(one, {}, { correctedCounts: true })).toMatchObject({
      volumes: 3,
      patientKeys: 1,
    });
  });

  it('counts a gland once, however many models measured it, and tells which volume that is', async () => {
    await using opened = new AsyncDisposableStack();
    const one = opened.adopt(await open(), (fresh) => fresh.close());
    // Study 0 by the old model, then by the new for the history alone; study 1 by the old alone; of study 2
    // what the new model made is withdrawn.
    for (const n of [0, 1, 2]) await addStudy(one, n, {}, { volumeMl: 50 + n });
    for (const n of [0, 2])
      await addStudy(
        one,
        n,
        {},
        { ...NEW_MODEL(n), volumeMl: 90 + n, ...(n === 0 ? { historyAlone: true as const } : {}) },
      );
    await recordWithdrawal(one, NEW_MODEL(2).report.sopInstanceUid, {
      reason: '113001',
      note: '',
      at: NOW.toISOString(),
    });
    const cases = [
      { inUse: ['b'.repeat(64)], query: '', counted: [90, 51, 52] },
      // Where no model in use is known, what the archive holds.
      { inUse: undefined, query: '', counted: [50, 51, 52] },
      { inUse: ['c'.repeat(64)], query: '', counted: [50, 51, 52] },
      // Who asks for a model gets its volumes.
      { inUse: ['b'.repeat(64)], query: 'model=demo-ct', counted: [50, 51, 52] },
    ];
    for (const { inUse, query, counted } of cases) {
      const { url } = opened.adopt(await serveCohort(one, 'key', inUse), (running) => running.close());
      const told = tableOf(await (await fetch(`${url}/volumes.csv?${query}`)).text());
      expect(told).toHaveLength(query ? 3 : 5);
      const yes = told.filter((row) => row['counted'] === 'yes').map((row) => Number(row['volumeMl']));
      expect(yes.sort(ascending)).toEqual([...counted].sort(ascending));
      expect(told.filter((row) => row['counted'] === 'no')).toHaveLength(told.length - counted.length);
      const { points, bins }: { points: { ml: number }[]; bins: { volumes: number }[] } = JSON.parse(
        await (await fetch(`${url}/volumes/points?${query}`)).text(),
      );
      expect(points.map(({ ml }) => ml).sort(ascending)).toEqual(yes);
      expect(bins.reduce((sum, { volumes }) => sum + volumes, 0)).toBe(3);
      const filter = query ? { model: 'demo-ct' } : {};
      const settings = { correctedCounts: true, modelsInUse: new Set(inUse) };
      expect(await cohortSummary(one, filter, settings)).toMatchObject({
        volumes: told.length,
        counted: 3,
        medianMl: [...counted].sort(ascending)[1],
      });
    }
    // The other volume of the gland stands on another page.
    const inUse = new Set(['b'.repeat(64)]);
    const rows = [];
    for (let before: number | undefined; ; before = rows.at(-1)?.id) {
      const page = await cohortPage(one, {}, { limit: 1, before }, inUse);
      if (page.length === 0) break;
      rows.push(...page);
    }
    expect(rows.filter((row) => row.counted).map(({ volumeMl }) => volumeMl)).toEqual([90, 52, 51]);
  });

  it('says of what is behind the usual button what is withdrawn, corrected, whose and how it was made', async () => {
    const rows = await cohortPage(database, {}, { limit: 50 });
    const columns = chosenColumns({ columns: [...USUAL_COLUMNS] }, 'key');
    const { text: body } = cohortBody({
      query: {},
      rows,
      hasMore: false,
      isLater: false,
      summary: await cohortSummary(database, {}, { correctedCounts: true }),
      choices: { models: [], scanners: [] },
      columns,
      naming: 'key',
      basePath: '',
    });
    expect(body.match(/<tr class="gone">/g)).toHaveLength(1);
    expect(body).toContain(`${COUNT} volumes under ${COUNT} patient keys`);
    const [, address = ''] = /href="([^"]*volumes\.csv[^"]*)">Download CSV/.exec(body) ?? [];
    const told = tableOf(
      await (await fetch(server.url + address.replace('/api', '').replaceAll('&#38;', '&'))).text(),
    );
    expect(
      told.map((row) => pick(row, ['person', 'correctedMl', 'withdrawn', 'mode', 'historyOnly', 'counted'])),
    ).toEqual(
      rows.map((row) => ({
        person: '1',
        correctedMl: String(row.correctedMl ?? ''),
        withdrawn: row.withdrawn ?? '',
        mode: row.mode,
        historyOnly: '',
        counted: row.counted ? 'yes' : 'no',
      })),
    );
    expect(told.filter(({ withdrawn }) => withdrawn)).toMatchObject([{ withdrawn: '113001', counted: 'no' }]);
    expect(told.filter(({ correctedMl }) => correctedMl)).toHaveLength(2);
  });
}

const pick = (row: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, row[name]]));

const COUNT = 40;

const NEW_MODEL = (n: number) => ({
  model: { name: 'new-ct', version: '1.0.0', sha256: 'b'.repeat(64), mode: 'exact' as const },
  report: { seriesInstanceUid: `2.25.99${n}.4`, sopInstanceUid: `2.25.99${n}.4.1` },
  contentDateTime: '2026-03-05T00:00:00.000Z',
});

/** The n-th study under one patient key, each a month after the one before. */
async function addStudy(
  database: Database,
  n: number,
  patient: Readonly<Record<string, string>>,
  other: Partial<MeasuredVolume> = {},
): Promise<void> {
  const studyInstanceUid = `2.25.99${n}`;
  const studyDate = `20240${n + 1}01`;
  const header = await headerRecorder(database, { names: true });
  await header(studyInstanceUid, { StudyDate: studyDate, ...patient });
  const [{ key } = { key: '' }] = keyForm.parse(
    await database.query(
      'SELECT patient_key AS key FROM pansegnet.study_header WHERE study_instance_uid = $1',
      [studyInstanceUid],
    ),
  );
  await recordVolume(
    database,
    measuredVolume(key, studyDate, {
      studyInstanceUid,
      seriesInstanceUid: `${studyInstanceUid}.1`,
      report: { seriesInstanceUid: `${studyInstanceUid}.3`, sopInstanceUid: `${studyInstanceUid}.3.1` },
      ...other,
    }),
  );
}
const keyForm = z.array(z.object({ key: z.string() }));

async function addVolume(database: Database, n: number): Promise<void> {
  const day = String((n % 28) + 1).padStart(2, '0');
  const isCt = n % 3 !== 0;
  const volume = measuredVolume(`key${String(n).padStart(4, '0')}`, `202401${day}`, {
    studyInstanceUid: `2.25.88${n}`,
    seriesInstanceUid: `2.25.88${n}.1`,
    report: { seriesInstanceUid: `2.25.88${n}.3`, sopInstanceUid: `2.25.88${n}.3.1` },
    class: isCt ? 'CT' : n % 2 === 0 ? 'T1W' : 'T2W',
    model: {
      name: isCt ? 'demo-ct' : 'demo-mr',
      version: '1.0.0',
      sha256: (isCt ? 'a' : 'b').repeat(64),
      mode: n % 2 === 0 ? 'fast' : 'exact',
    },
    volumeMl: n === 7 ? 0 : 40 + n * 1.5,
    intervalMl: n % 4 === 0 ? null : { low: 39 + n, high: 44.125 + n },
    flags: n === 7 ? ['nothing-found'] : n % 5 === 0 ? ['thick-slices', 'lossy-source'] : [],
    ...(n === 7 ? { seg: null } : {}),
    part: n === 3 ? 'phase "1", late' : '',
    contentDateTime: new Date(Date.UTC(2026, 2, 1 + n)).toISOString(),
  });
  const { studyInstanceUid, report, studyDate } = volume;
  const run = await beginRun(database, { studyInstanceUid, fingerprint: 'f', requestId: 'r', now: NOW });
  await (await headerRecorder(database, { names: true }))(studyInstanceUid, {
    PatientID: `PID-${n}`,
    IssuerOfPatientID: 'HOSPITAL',
    ...(n % 7 === 0 ? {} : { PatientBirthDate: `${1950 + n}0102` }),
    PatientSex: n % 2 === 0 ? 'F' : 'M',
    StudyDate: studyDate,
    Manufacturer: 'Maker',
    ManufacturerModelName: n % 2 === 0 ? 'A' : 'B',
  });
  await recordVolume(database, volume);
  await recordVolumeFacts(database, run, report.sopInstanceUid, {
    softwareVersion: '0.2.0',
    sliceThicknessMm: 1 + (n % 5),
    sliceSpacingMm: 1.25,
    ...(isCt ? { meanHu: 80 + n / 8, sdHu: 12.5, phase: n % 2 === 0 ? 'portal' : 'arterial' } : {}),
    ageYears: 33,
  });
  const uid = report.sopInstanceUid;
  const review = { reason: '', reviewer: 'reader', reviewedAt: NOW };
  if (n % 6 === 0) await recordReview(database, uid, { ...review, decision: 'accepted' });
  if (n % 12 === 0) await recordReview(database, uid, { ...review, decision: 'rejected' });
  if (n === 9 || n === 10) {
    const correction = { volumeMl: 61.5, voxelCount: 5, seg: report, report, supersedes: uid };
    await recordCorrection(database, uid, { ...correction, contentDateTime: volume.contentDateTime });
  }
  if (n === 11)
    await recordWithdrawal(database, uid, { reason: '113001', note: '1.2', at: volume.contentDateTime });
}

const databaseForm = z.object({
  patient: z.string(),
  birth_date: z.string().nullable(),
  study_date: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
  sex: z.string(),
  study: z.string(),
  scanner: z.string(),
  series_instance_uid: z.string(),
  part: z.string(),
  class: z.string(),
  volume_ml: z.number(),
  interval_ml: z.object({ low: z.number(), high: z.number() }).nullable(),
  voxel_count: z.number(),
  flags: z.array(z.string()),
  correction: z.object({ volumeMl: z.number() }).nullable(),
  withdrawn: z.object({ reason: z.string() }).nullable(),
  decision: z.string().nullable(),
  model_name: z.string(),
  model_sha256: z.string(),
  mode: z.string(),
  report: z.object({ sopInstanceUid: z.string() }),
});

/** Some columns, read from the tables by themselves; empty: null. */
function databaseRow(selected: unknown) {
  const row = databaseForm.parse(selected);
  const { facts, birth_date: born, study_date: studied } = row;
  const age = (date: string) =>
    Number(studied.slice(0, 4)) - Number(date.slice(0, 4)) - (studied.slice(4) < date.slice(4) ? 1 : 0);
  return {
    patient: row.patient,
    ageYears: born === null ? facts['ageYears'] : age(born),
    sex: row.sex,
    studyDate: studied,
    study: row.study,
    scanner: row.scanner,
    series: row.series_instance_uid,
    part: row.part,
    class: row.class,
    phase: facts['phase'] ?? null,
    sliceThicknessMm: facts['sliceThicknessMm'],
    volumeMl: row.volume_ml,
    lowMl: row.interval_ml?.low ?? null,
    highMl: row.interval_ml?.high ?? null,
    voxels: row.voxel_count,
    meanHu: facts['meanHu'] ?? null,
    flags: row.flags.join(' '),
    correctedMl: row.correction?.volumeMl ?? null,
    withdrawn: row.withdrawn?.reason ?? null,
    review: row.decision,
    model: row.model_name,
    modelSha256: row.model_sha256,
    mode: row.mode,
    software: facts['softwareVersion'],
    report: row.report.sopInstanceUid,
  };
}
