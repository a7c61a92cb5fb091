import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openDatabase } from '../../src/store/database/database.ts';
import { migrate } from '../../src/store/database/migrations.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { findStudies } from '../../src/store/records/find-studies.ts';
import { recordResultSeries, resultSeriesOf } from '../../src/store/records/own-series.ts';
import {
  beginRun,
  decisionsOfStudies,
  finishRun,
  fixedTime,
  freezeInput,
  type RecordedDecision,
  recordDecisions,
} from '../../src/store/records/run-log.ts';
import {
  findStudy,
  lookAtStudy,
  markEnded,
  markQueued,
  markRunning,
} from '../../src/store/records/study-log.ts';

const MONDAY = new Date('2026-03-02T08:00:00.123Z');
const TUESDAY = new Date('2026-03-03T09:00:00.456Z');

/** A new database takes seconds to make, more on a machine with other work. */
const DATABASE_MS = 120_000;

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ memory: true });
}, DATABASE_MS);

afterAll(() => database.close());

let studies = 0;
const newStudy = (): string => `1.2.826.${(studies += 1)}`;
const stateOf = async (study: string): Promise<string | undefined> =>
  (await findStudy(database, study))?.state;

function begin(
  studyInstanceUid: string,
  other: { fingerprint?: string; requestId?: string; now?: Date } = {},
) {
  return beginRun(database, {
    studyInstanceUid,
    fingerprint: 'f',
    requestId: 'arrival',
    now: MONDAY,
    ...other,
  });
}

describe('a run that is begun again', () => {
  it('is the same run', async () => {
    const study = newStudy();
    const first = await begin(study);
    expect(await begin(study, { now: TUESDAY })).toEqual(first);
  });

  it('is another run where the counts or the request differ', async () => {
    const study = newStudy();
    const first = await begin(study);
    const late = await begin(study, { fingerprint: 'with a late slice', now: TUESDAY });
    const asked = await begin(study, { requestId: 'asked for', now: TUESDAY });
    expect(new Set([first.id, late.id, asked.id]).size).toBe(3);
  });

  it('sees the inputs that its first start saw', async () => {
    const run = await begin(newStudy());
    const priors = z.array(z.object({ volumeMl: z.number() }));
    const first = await freezeInput(database, run, 'series 1', priors, async () => [{ volumeMl: 70.5 }]);
    const again = await freezeInput(database, run, 'series 1', priors, async () => [{ volumeMl: 0 }]);
    const other = await freezeInput(database, run, 'series 2', priors, async () => []);
    expect([first, again, other]).toEqual([[{ volumeMl: 70.5 }], [{ volumeMl: 70.5 }], []]);
  });

  it('says of the study how it ended', async () => {
    const study = newStudy();
    const run = await begin(study);
    await finishRun(database, run, { outcome: 'skipped', reason: 'no abdominal series', now: MONDAY });
    expect(await findStudy(database, study)).toMatchObject({
      state: 'skipped',
      reason: 'no abdominal series',
    });
  });
});

it('a run of one series that a person named leaves the study to the watch', async () => {
  const look = { studyInstanceUid: newStudy(), fingerprint: 'f', now: MONDAY };
  const run = await begin(look.studyInstanceUid, { requestId: 'by a person' });
  await finishRun(database, run, { outcome: 'done', ofOneSeries: true, now: MONDAY });
  expect(await lookAtStudy(database, look)).toMatchObject({ settled: false });
  await finishRun(database, await begin(look.studyInstanceUid), { outcome: 'done', now: TUESDAY });
  expect(await lookAtStudy(database, look)).toMatchObject({ settled: true });
});

it('a fixed time is the first one asked for under its name', async () => {
  expect(await fixedTime(database, 'SEG of 1.2.3', MONDAY)).toEqual(MONDAY);
  expect(await fixedTime(database, 'SEG of 1.2.3', TUESDAY)).toEqual(MONDAY);
  expect(await fixedTime(database, 'SEG of 1.2.4', TUESDAY)).toEqual(TUESDAY);
});

describe('the state of a study', () => {
  it('goes from queued over running to done', async () => {
    const study = newStudy();
    await markQueued(database, { studyInstanceUid: study, isNew: true, now: MONDAY });
    expect(await stateOf(study)).toBe('queued');
    await markRunning(database, { studyInstanceUid: study, now: MONDAY });
    expect(await stateOf(study)).toBe('running');
    await finishRun(database, await begin(study), { outcome: 'done', now: TUESDAY });
    expect(await findStudy(database, study)).toEqual({
      studyInstanceUid: study,
      state: 'done',
      reason: undefined,
      errorCode: undefined,
      firstSeenAt: MONDAY,
      changedAt: TUESDAY,
    });
  });

  it('is queued after a run during which it was asked for again', async () => {
    const study = newStudy();
    await markQueued(database, { studyInstanceUid: study, isNew: true, now: MONDAY });
    await markRunning(database, { studyInstanceUid: study, now: MONDAY });
    await markQueued(database, { studyInstanceUid: study, isNew: true, now: MONDAY });
    await finishRun(database, await begin(study), { outcome: 'done', now: TUESDAY });
    expect(await stateOf(study)).toBe('queued');
    await markRunning(database, { studyInstanceUid: study, now: TUESDAY });
    await finishRun(database, await begin(study), { outcome: 'done', now: TUESDAY });
    expect(await stateOf(study)).toBe('done');
  });

  it('tells why it failed until it is asked for again', async () => {
    const study = newStudy();
    await markRunning(database, { studyInstanceUid: study, now: MONDAY });
    const failure = { reason: 'slice 7 is missing', errorCode: 'DICOM_GEOMETRY' };
    await markEnded(database, { studyInstanceUid: study, state: 'failed', ...failure, now: MONDAY });
    expect(await findStudy(database, study)).toMatchObject({ state: 'failed', ...failure });
    await markQueued(database, { studyInstanceUid: study, isNew: true, now: TUESDAY });
    expect(await findStudy(database, study)).toMatchObject({ state: 'queued', reason: undefined });
  });

  it('is listed with the latest change first, page by page', async () => {
    const [older, newer] = [newStudy(), newStudy()];
    await markRunning(database, { studyInstanceUid: newer, now: new Date('2100-01-02') });
    await markRunning(database, { studyInstanceUid: older, now: new Date('2100-01-01') });
    const page = async (offset: number) =>
      (await findStudies(database, {}, { limit: 1, offset })).studies.map(
        ({ study }) => study.studyInstanceUid,
      );
    expect([await page(0), await page(1)]).toEqual([[newer], [older]]);
  });
});

function decision(seriesInstanceUid: string, chosen: boolean): RecordedDecision {
  const what = chosen
    ? { class: 'CT_ABDOMEN', reason: 'axial, 2 mm' }
    : { class: 'NONE', reason: 'a localizer' };
  return { seriesInstanceUid, description: 'venös 2.0', chosen, ...what };
}

it('the decisions on the series of a study are the latest, in their order', async () => {
  const study = newStudy();
  await begin(study);
  await recordDecisions(database, study, [decision('9', true)]);
  const latest = [decision('2', false), decision('1', true), decision('1', false)];
  await recordDecisions(database, study, latest);
  expect((await decisionsOfStudies(database, [study])).get(study)).toEqual(latest);
});

it('result series are known once, in the study that they are in', async () => {
  const study = newStudy();
  const seg = {
    studyInstanceUid: study,
    seriesInstanceUid: `${study}.1`,
    sopInstanceUid: 'a',
    kind: 'SEG',
  } as const;
  const sr = {
    studyInstanceUid: study,
    seriesInstanceUid: `${study}.2`,
    sopInstanceUid: 'b',
    kind: 'SR',
  } as const;
  await recordResultSeries(database, [seg, sr], MONDAY);
  await recordResultSeries(database, [seg, sr], TUESDAY);
  expect(await resultSeriesOf(database, study)).toEqual([seg, sr]);
  expect(await resultSeriesOf(database, newStudy())).toEqual([]);
});

describe('the version of the tables', () => {
  // These tables have nothing to do with the ones above: the schema is made anew, at the end of this file.
  beforeEach(async () => {
    await database.query('DROP SCHEMA pansegnet CASCADE');
  });

  it('moves forward step by step and keeps what is there', async () => {
    await migrate(database, ['CREATE TABLE pansegnet.t (a integer)', 'INSERT INTO pansegnet.t VALUES (1)']);
    await migrate(database, ['never', 'run again', 'ALTER TABLE pansegnet.t ADD b integer DEFAULT 2']);
    expect(await database.query('SELECT a, b FROM pansegnet.t')).toEqual([{ a: 1, b: 2 }]);
  });

  it('stays what it was where a step fails', async () => {
    await migrate(database, ['CREATE TABLE pansegnet.t (a integer)']);
    const steps = ['', 'ALTER TABLE pansegnet.t ADD b integer', 'no such statement'];
    await expect(migrate(database, steps)).rejects.toThrow('syntax error');
    expect(await database.query('SELECT * FROM pansegnet.schema_version')).toEqual([{ version: 1 }]);
    expect(await database.query('SELECT * FROM pansegnet.t')).toEqual([]);
    await migrate(database, steps.slice(0, 2));
  });

  it('of a newer program is refused', async () => {
    await migrate(database, [
      'CREATE TABLE pansegnet.t (a integer)',
      'ALTER TABLE pansegnet.t ADD b integer',
    ]);
    const older = migrate(database, ['CREATE TABLE pansegnet.t (a integer)']);
    await expect(older).rejects.toMatchObject({
      code: 'DATABASE_NEWER',
      message: expect.stringContaining('schema version 2'),
    });
  });
});
