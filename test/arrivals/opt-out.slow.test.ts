import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAdmission } from '../../src/arrivals/routing/admission.ts';
import { routingSchema } from '../../src/arrivals/routing/rules.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import type { AnnouncementSource } from '../../src/store/arrivals/announcements.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { addOptOut, listOptOuts, optOutReason, removeOptOut } from '../../src/store/records/opt-out.ts';

const NOW = new Date('2026-03-04T12:00:00Z');
const STUDY = '1.2.3';
const PATIENT = 'the patient is on the opt-out list';

let database: Database;
beforeAll(async () => {
  database = await openDatabase({ memory: true });
}, 120_000);
beforeEach(async () => void (await database.query('DELETE FROM pansegnet.opt_out')));
afterAll(() => database.close());

const reasonOf = (patientId: string | undefined, issuer?: string) =>
  optOutReason(database, STUDY, [{ patientId, issuer }]);

describe('the opt-out list', () => {
  it('holds a study', async () => {
    expect(await addOptOut(database, { studyInstanceUid: STUDY }, NOW)).toBe(true);
    expect(await addOptOut(database, { studyInstanceUid: STUDY }, NOW)).toBe(false);
    expect(await reasonOf('P-1')).toBe('the study is on the opt-out list');
    expect(await optOutReason(database, '1.2.30', [])).toBeUndefined();
  });

  it('holds a patient, whoever issued the id', async () => {
    await addOptOut(database, { patientId: ' P-1 ' }, NOW);
    expect(await reasonOf('P-1')).toBe(PATIENT);
    expect(await reasonOf('P-1', 'Hospital B')).toBe(PATIENT);
    expect(await reasonOf('P-10')).toBeUndefined();
  });

  it('holds a patient of one issuer alone', async () => {
    await addOptOut(database, { patientId: 'P-1', issuer: 'Hospital A' }, NOW);
    expect(await reasonOf('P-1', 'Hospital A')).toBe(PATIENT);
    expect(await reasonOf('P-1', 'Hospital B')).toBeUndefined();
    expect(await reasonOf('P-1')).toBeUndefined();
  });

  it('counts when any image of a study names a patient on it', async () => {
    await addOptOut(database, { patientId: 'P-2' }, NOW);
    const patients = ['P-1', undefined, 'P-2'].map((patientId) => ({ patientId, issuer: undefined }));
    expect(await optOutReason(database, STUDY, patients)).toBe(PATIENT);
  });

  it('is never met by patients without an id', async () => {
    await addOptOut(database, { patientId: ' ' }, NOW);
    expect(await reasonOf(undefined)).toBeUndefined();
    expect(await reasonOf(' ')).toBeUndefined();
  });

  it('keeps no patient id', async () => {
    await addOptOut(database, { patientId: 'Secret', issuer: 'Clinic' }, NOW);
    const rows = JSON.stringify(await database.query('SELECT * FROM pansegnet.opt_out'));
    expect(rows).not.toMatch(/secret|clinic/i);
    expect(await listOptOuts(database)).toMatchObject([{ kind: 'patient of issuer', addedAt: NOW }]);
  });

  it('lets go what is taken off', async () => {
    await addOptOut(database, { patientId: 'P-1' }, NOW);
    expect(await removeOptOut(database, { patientId: 'P-1', issuer: 'A' })).toBe(false);
    expect(await removeOptOut(database, { patientId: 'P-1' })).toBe(true);
    expect(await reasonOf('P-1')).toBeUndefined();
  });
});

describe('admission', () => {
  const IMAGE = { PatientID: 'P-1', PatientBirthDate: '20100101', StudyDate: '20260304', StationName: 'S1' };
  const SERIES = [
    { SeriesInstanceUID: '1.2.3.9', Modality: 'SR' },
    { SeriesInstanceUID: '1.2.3.1', Modality: 'CT' },
  ];

  function setUp(rules: readonly object[] = [], image: DicomDataset | null = IMAGE) {
    const asked: string[] = [];
    const admit = createAdmission({
      database,
      rules: routingSchema.parse({ rules }).rules,
      archive: {
        anyInstance: async (_study, series) => {
          asked.push(series);
          return image ?? undefined;
        },
      },
    });
    const ask = (source: AnnouncementSource = { kind: 'poll' }) =>
      admit({ studyInstanceUid: STUDY, source, series: SERIES, now: NOW });
    return { ask, asked };
  }

  it('asks the archive for nothing where neither list nor rules need it', async () => {
    const { ask, asked } = setUp([{ when: { modality: ['CT'], source: ['stow'] }, action: 'ignore' }]);
    await addOptOut(database, { studyInstanceUid: '1.2.99' }, NOW);
    expect(await ask()).toEqual({ action: 'process' });
    expect(await ask({ kind: 'stow' })).toMatchObject({ action: 'ignore' });
    expect(asked).toEqual([]);
  });

  it('reads age and station from an image of the first CT or MR series', async () => {
    const { ask, asked } = setUp([
      { when: { maximumAgeYears: 17, stationName: ['S1'] }, action: 'ignore', name: 'children' },
    ]);
    expect(await ask()).toMatchObject({ action: 'ignore', reason: expect.stringContaining('children') });
    expect(asked).toEqual(['1.2.3.1']);
  });

  it('does not decide where a rule needs an image and the archive names none yet', async () => {
    const rules = [
      { when: { minimumAgeYears: 18 }, action: 'process' },
      { when: {}, action: 'ignore' },
    ];
    const { ask } = setUp(rules, null);
    await expect(ask()).rejects.toMatchObject({ code: 'DICOM_WEB_ANSWER' });
    expect(await ask({ kind: 'command' })).toEqual({ action: 'process' });
  });

  it('lets a command through whatever the rules say, but not the opt-out list', async () => {
    const { ask } = setUp([{ when: {}, action: 'ignore' }]);
    expect(await ask({ kind: 'command' })).toEqual({ action: 'process' });
    await addOptOut(database, { patientId: 'P-1' }, NOW);
    expect(await ask({ kind: 'command' })).toEqual({ action: 'ignore', reason: PATIENT });
  });
});
