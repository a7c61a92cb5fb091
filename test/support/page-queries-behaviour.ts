import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/store/database/sql.ts';
import { type StudyEvent, StudyEvents } from '../../src/store/events/study-events.ts';
import { findStudies, findStudyListing } from '../../src/store/records/find-studies.ts';
import { priorVolumes, recordVolume } from '../../src/store/records/history.ts';
import { progressOfStudies, progressWriter } from '../../src/store/records/progress-log.ts';
import { qualityBetween } from '../../src/store/records/quality.ts';
import { recordReview } from '../../src/store/records/reviews.ts';
import { headerRecorder, headersOfStudies } from '../../src/store/records/study-header.ts';
import { markEnded, markQueued, markRunning } from '../../src/store/records/study-log.ts';
import { measuredVolume } from './measured-volume.ts';

/** A new embedded database takes seconds to make, more on a machine with other work. */
const DATABASE_MS = 120_000;
const MONDAY = new Date('2026-03-02T08:00:00Z');
const TUESDAY = new Date('2026-03-03T08:00:00Z');
const IMAGE = {
  PatientName: 'Doe^Jane',
  PatientID: 'P-1',
  IssuerOfPatientID: 'HOSPITAL',
  PatientBirthDate: '19600102',
  PatientSex: 'F',
  StudyDate: '20260301',
  StudyDescription: 'CT 50%_abdomen',
  Manufacturer: 'Maker',
  ManufacturerModelName: 'One',
};

/** What pages, API and the history ask of the database, wherever it is. */
export function pageQueriesBehaviour(open: () => Promise<Database>): void {
  let database: Database;
  beforeAll(async () => {
    database = await open();
  }, DATABASE_MS);
  afterAll(() => database.close());

  let studies = 0;
  async function study(
    image: Readonly<Record<string, unknown>> = {},
    {
      names = true,
      state = 'done',
      now = MONDAY,
    }: { names?: boolean; state?: 'done' | 'failed'; now?: Date } = {},
  ): Promise<string> {
    const studyInstanceUid = `2.25.7${(studies += 1)}`;
    await markRunning(database, { studyInstanceUid, now });
    await (await headerRecorder(database, { names }))(studyInstanceUid, { ...IMAGE, ...image });
    await markEnded(database, {
      studyInstanceUid,
      state,
      errorCode: state === 'failed' ? 'DICOM_GEOMETRY' : undefined,
      now,
    });
    return studyInstanceUid;
  }

  const found = async (filter: Parameters<typeof findStudies>[1]) =>
    (await findStudies(database, filter, { limit: 10, offset: 0 })).studies.map(
      (one) => one.study.studyInstanceUid,
    );

  describe('studies are found', () => {
    it('by words in name, id, description and scanner, in any order and case, and by nothing else', async () => {
      const uid = await study({ PatientName: 'Unusual^Name', PatientID: 'U-77' });
      expect(await found({ words: 'NAME u-77 maker' })).toEqual([uid]);
      expect(await found({ words: 'unusual 50%_' })).toEqual([uid]);
      expect(await found({ words: 'unusual 50__' })).toEqual([]);
      expect(await found({ words: `unusual'; DROP TABLE` })).toEqual([]);
      expect(await found({ words: uid })).toEqual([uid]);
      const broken = await study({ PatientName: 'Nul\0^Name', StudyDescription: 'nul\0' });
      expect(await found({ words: 'nul\0^name' })).toEqual([broken]);
      expect(await found({ words: 'nul^name' })).toEqual([broken]);
    });

    it('by state, date, kind of images and day of the change, page by page', async () => {
      const early = await study({ StudyDate: '20200101', PatientID: 'page' });
      const late = await study(
        { StudyDate: '20210101', PatientID: 'page' },
        { state: 'failed', now: TUESDAY },
      );
      await recordVolume(
        database,
        measuredVolume('page', '20200101', { studyInstanceUid: early, class: 'T2W' }),
      );
      expect(await found({ words: 'page', state: 'failed' })).toEqual([late]);
      expect(await found({ words: 'page', from: '20200601' })).toEqual([late]);
      expect(await found({ words: 'page', to: '20200601' })).toEqual([early]);
      expect(await found({ words: 'page', class: 'T2W' })).toEqual([early]);
      expect(await found({ words: 'page', changedSince: TUESDAY })).toEqual([late]);
      const page = await findStudies(database, { words: 'page' }, { limit: 1, offset: 1 });
      expect(page).toMatchObject({ total: 2, states: { done: 1, failed: 1 } });
      expect(page.studies).toHaveLength(1);
    });

    it('before any run has looked at them', async () => {
      await markQueued(database, { studyInstanceUid: '2.25.8001', isNew: true, now: MONDAY });
      expect(await found({ words: '8001' })).toEqual(['2.25.8001']);
    });
  });

  it('a study that a rebuilt history alone knows is shown; the report does not say which scanner made it', async () => {
    const volume = measuredVolume('rebuilt', '20200301');
    await recordVolume(database, volume);
    const record = await headerRecorder(database, { names: true });
    await record(volume.studyInstanceUid, IMAGE);
    await record(volume.studyInstanceUid, {
      ...IMAGE,
      Manufacturer: undefined,
      ManufacturerModelName: undefined,
    });
    const listing = await findStudyListing(database, volume.studyInstanceUid);
    expect(listing?.study).toMatchObject({ state: 'done', changedAt: new Date(volume.contentDateTime) });
    expect(listing?.header?.scanner).toBe('Maker One');
    expect(listing?.volumes).toHaveLength(1);
    expect(await findStudyListing(database, '2.25.404')).toBeUndefined();
  });

  it('no name, id or birth date is kept where the site wants none; people are told apart all the same', async () => {
    const uid = await study({}, { names: false });
    const other = await study({ PatientBirthDate: '19700102' }, { names: false });
    const rows = await database.query('SELECT * FROM pansegnet.study_header WHERE study_instance_uid = $1', [
      uid,
    ]);
    expect(JSON.stringify(rows)).not.toMatch(/doe|jane|P-1|HOSPITAL|1960/i);
    const headers = await headersOfStudies(database, [uid, other]);
    expect(headers.get(uid)?.birthDateKey).toBeDefined();
    expect(headers.get(uid)?.birthDateKey).not.toBe(headers.get(other)?.birthDateKey);
  });

  describe('an earlier volume', () => {
    const now = measuredVolume('person', '20250301');
    const priors = async () => (await priorVolumes(database, now)).volumes.map(({ studyDate }) => studyDate);

    it('is compared with nothing of another birth date or sex, nor where a reader rejected it', async () => {
      const record = await headerRecorder(database, { names: true });
      for (const [date, image] of [
        ['20210301', { PatientSex: 'M' }],
        ['20220301', { PatientBirthDate: '19990101' }],
        ['20230301', { PatientBirthDate: undefined, PatientSex: undefined }],
        ['20240301', {}],
      ] as const) {
        const volume = measuredVolume('person', date);
        await recordVolume(database, volume);
        await record(volume.studyInstanceUid, { ...IMAGE, ...image });
      }
      await record(now.studyInstanceUid, IMAGE);
      // What names neither may be of either of the others, who contradict each other.
      expect(await priors()).toEqual(['20240301']);
      const { sopInstanceUid } = measuredVolume('person', '20240301').report;
      const review = { reason: 'wrong organ', reviewer: 'reader', reviewedAt: MONDAY };
      await recordReview(database, sopInstanceUid, { ...review, decision: 'rejected' });
      expect(await priors()).toEqual([]);
      await recordReview(database, sopInstanceUid, { ...review, decision: 'accepted' });
      expect(await priors()).toEqual(['20240301']);
    });
  });

  it('the month says volumes, flags, reviews and refusals by scanner and model', async () => {
    const scanner = { Manufacturer: 'Quality', ManufacturerModelName: 'Scanner' };
    const [from, until] = [new Date('2026-04-01T00:00:00Z'), new Date('2026-05-01T00:00:00Z')];
    const contentDateTime = '2026-04-10T00:00:00.000Z';
    for (const [index, volumeMl] of [60, 70, 90].entries()) {
      const uid = await study(scanner, { now: new Date(contentDateTime) });
      const at = { studyInstanceUid: uid, seriesInstanceUid: `${uid}.1`, contentDateTime };
      const report = { seriesInstanceUid: `${uid}.3`, sopInstanceUid: `${uid}.3.1` };
      const flags = index === 0 ? ['thick-slices', 'lossy-source'] : ['thick-slices'];
      await recordVolume(database, measuredVolume('month', '20260410', { ...at, report, volumeMl, flags }));
      if (index === 2) {
        const review = { decision: 'rejected', reason: '', reviewer: 'r', reviewedAt: from } as const;
        await recordReview(database, report.sopInstanceUid, review);
      }
    }
    await study(scanner, { state: 'failed', now: new Date(contentDateTime) });
    expect(await qualityBetween(database, from, until)).toEqual({
      rows: [
        {
          scanner: 'Quality Scanner',
          class: 'CT',
          model: 'demo-ct 1.0.0',
          modelName: 'demo-ct',
          results: 3,
          medianMl: 70,
          lowerQuartileMl: 65,
          upperQuartileMl: 80,
          nothingFound: 0,
          flags: { 'lossy-source': 1, 'thick-slices': 3 },
          corrected: 0,
          accepted: 0,
          rejected: 1,
          withdrawn: 0,
        },
      ],
      refusals: [{ scanner: 'Quality Scanner', state: 'failed', errorCode: 'DICOM_GEOMETRY', studies: 1 }],
    });
  });

  it('progress is written when a stage begins, and from time to time within one', async () => {
    let clock = MONDAY.getTime();
    const written: string[] = [];
    const watched = {
      query: (sql: string, parameters?: readonly unknown[]) => {
        written.push(`${String(parameters?.[1])} ${String(parameters?.[3])}`);
        return database.query(sql, parameters);
      },
    };
    const write = progressWriter(watched, '2.25.9', {
      now: () => new Date(clock),
      onError: (error) => expect.unreachable(String(error)),
    });
    write({ stage: 'retrieve', subject: 'a' });
    for (let done = 0; done <= 10; done++) {
      write({ stage: 'segment', subject: 'a', done, total: 10 });
      clock += 200;
    }
    await expect
      .poll(async () => (await progressOfStudies(database, ['2.25.9'])).get('2.25.9'))
      .toMatchObject({ stage: 'segment', fraction: 0.9 });
    expect(written).toEqual(['retrieve null', 'segment 0', 'segment 0.3', 'segment 0.6', 'segment 0.9']);
  });

  it('listeners hear of each change of state once, whoever made it', async () => {
    const heard: StudyEvent[] = [];
    const events = new StudyEvents(database, {
      now: () => new Date(),
      onError: (error) => expect.unreachable(String(error)),
      pollMs: 20,
    });
    const twice = Promise.withResolvers<void>();
    events.listen((event) => {
      heard.push(event);
      if (heard.length === 2) twice.resolve();
    });
    const uid = '2.25.9009';
    await markQueued(database, { studyInstanceUid: uid, isNew: true, now: new Date() });
    while (heard.length === 0) await new Promise((next) => setImmediate(next));
    await markRunning(database, { studyInstanceUid: uid, now: new Date() });
    await twice.promise;
    expect(heard.map((event) => event.kind === 'study' && event.study.state)).toEqual(['queued', 'running']);
    await events.stop();
    expect(events.listeners).toBe(0);
  });
}
