import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import {
  currentVolume,
  priorVolumes,
  recordVolume,
  volumesOfPatient,
  volumesOfStudies,
} from '../../src/store/records/history.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { applyPlaceholders } from '../../src/store/records/placeholder-keys.ts';
import { headerRecorder } from '../../src/store/records/study-header.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';

/** A new database takes seconds to make, more on a machine with other work. */
const DATABASE_MS = 120_000;

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ memory: true });
}, DATABASE_MS);

afterAll(() => database.close());

const MODEL = { name: 'demo-ct', version: '1.0.0', sha256: 'a'.repeat(64), mode: 'exact' } as const;

let patients = 0;
const newPatient = (): string => `patient-${(patients += 1)}`;

/** A volume of a study named by its date; everything can be told otherwise. */
function volume(patientKey: string, studyDate: string, other: Partial<VolumeRecord> = {}): VolumeRecord {
  const study = `${patientKey}.${studyDate}`;
  return {
    patientKey,
    studyInstanceUid: study,
    studyDate,
    studyTime: '093000',
    seriesInstanceUid: `${study}.1`,
    part: '',
    class: 'CT',
    model: MODEL,
    volumeMl: 71.25,
    voxelCount: 28_500,
    intervalMl: { low: 68.125, high: 75.5 },
    flags: ['touches the first slice'],
    seg: { seriesInstanceUid: `${study}.2`, sopInstanceUid: `${study}.2.1` },
    report: { seriesInstanceUid: `${study}.3`, sopInstanceUid: `${study}.3.1` },
    supersedes: null,
    contentDateTime: '2026-03-04T05:06:07.089Z',
    correction: null,
    withdrawn: null,
    ...other,
  };
}

/** Volumes of studies that say the same of their patient. */
async function record(...volumes: VolumeRecord[]): Promise<void> {
  const keep = await headerRecorder(database, { names: true });
  for (const each of volumes) {
    await recordVolume(database, each);
    await keep(each.studyInstanceUid, {
      PatientName: 'Doe^Jane',
      PatientSex: 'F',
      PatientBirthDate: '19600102',
    });
    await database.query('UPDATE pansegnet.study_header SET patient_key = $2 WHERE study_instance_uid = $1', [
      each.studyInstanceUid,
      each.patientKey,
    ]);
    await database.query('UPDATE pansegnet.study_header SET identified = true');
  }
}

describe('volume history', () => {
  it('gives back what was recorded, oldest study first', async () => {
    const patient = newPatient();
    const late = volume(patient, '20250101', { seg: null, volumeMl: 0, voxelCount: 0, flags: [] });
    const early = volume(patient, '20240101');
    await record(late, early);
    expect(await volumesOfPatient(database, patient)).toEqual([early, late]);
    expect(await volumesOfStudies(database, [late.studyInstanceUid])).toEqual([late]);
  });

  it('has a part in the place of the mixed one that it was taken out of and supersedes', async () => {
    const patient = newPatient();
    const mixed = volume(patient, '20240101');
    const report = { ...mixed.report, sopInstanceUid: `${mixed.report.sopInstanceUid}.2` };
    const part = { ...mixed, part: 'ImageType M', report, supersedes: mixed.report.sopInstanceUid };
    await record(mixed, part, part);
    expect(await volumesOfPatient(database, patient)).toEqual([part]);
  });

  it('has one row per part, model and mode however often it is recorded', async () => {
    const patient = newPatient();
    const first = volume(patient, '20240101');
    await record(first, first);
    const fast = { ...first, model: { ...MODEL, mode: 'fast' as const } };
    const other = { ...first, model: { ...MODEL, sha256: 'b'.repeat(64) } };
    const part = { ...first, part: 'arterial' };
    await record(fast, other, part, fast);
    expect(await volumesOfPatient(database, patient)).toEqual([first, fast, other, part].sort(byPart));
  });

  it('replaces a volume by the one that supersedes it', async () => {
    const patient = newPatient();
    const first = volume(patient, '20240101');
    await record(first);
    expect(await currentVolume(database, first)).toEqual(first);
    const second = volume(patient, '20240101', {
      volumeMl: 72,
      report: { seriesInstanceUid: 'new.3', sopInstanceUid: 'new.3.1' },
      supersedes: first.report.sopInstanceUid,
    });
    await record(second);
    expect(await volumesOfPatient(database, patient)).toEqual([second]);
    expect(await currentVolume(database, first)).toEqual(second);
  });

  it('keeps nothing of a transaction that fails', async () => {
    const patient = newPatient();
    const work = database.transaction(async (sql) => {
      await recordVolume(sql, volume(patient, '20240101'));
      throw new Error('the archive is gone');
    });
    await expect(work).rejects.toThrow('the archive is gone');
    expect(await volumesOfPatient(database, patient)).toEqual([]);
  });
});

describe('prior volumes', () => {
  it('are earlier ones of the same patient, class, model and mode, oldest first', async () => {
    const patient = newPatient();
    const older = volume(patient, '20230101');
    const old = volume(patient, '20240101');
    const current = volume(patient, '20250101');
    await record(
      old,
      older,
      current,
      volume(patient, '20260101'),
      volume(newPatient(), '20240101'),
      volume(patient, '20240201', { class: 'T1W' }),
      volume(patient, '20240202', { model: { ...MODEL, sha256: 'b'.repeat(64) } }),
      volume(patient, '20240203', { model: { ...MODEL, mode: 'fast' } }),
    );
    expect((await priorVolumes(database, current)).volumes).toEqual([older, old]);
  });

  it('of the same day are ordered by time, and the study itself is none', async () => {
    const patient = newPatient();
    const morning = volume(patient, '20240101', { studyTime: '0800' });
    const evening = volume(patient, '20240101', {
      studyTime: '180000.123',
      studyInstanceUid: 'evening',
      seriesInstanceUid: 'evening.1',
    });
    await record(morning, evening);
    expect((await priorVolumes(database, evening)).volumes).toEqual([morning]);
    expect((await priorVolumes(database, morning)).volumes).toEqual([]);
    expect((await priorVolumes(database, { ...morning, studyTime: '2359' })).volumes).toEqual([evening]);
  });

  it('do not exist for a study without a date, nor is such a study one', async () => {
    const patient = newPatient();
    const undated = volume(patient, '');
    const dated = volume(patient, '20240101');
    await record(undated, dated);
    expect((await priorVolumes(database, undated)).volumes).toEqual([]);
    expect((await priorVolumes(database, dated)).volumes).toEqual([]);
  });
});

describe('patient keys', () => {
  it('are the same for the same patient and do not show who it is', async () => {
    const [once, again] = [await patientKeys(database), await patientKeys(database)];
    const patient = { patientId: 'MRN-4711', issuer: 'HOSPITAL', studyInstanceUid: '1.2.3' };
    const key = once(patient);
    expect(again({ ...patient, patientId: ' MRN-4711 ', studyInstanceUid: '1.2.4' })).toBe(key);
    expect(key).toMatch(/^[0-9a-f]{32}$/);
  });

  it('differ by patient, by issuer and by the secret of the database', async () => {
    const keyOf = await patientKeys(database);
    await database.query('DELETE FROM pansegnet.setting');
    const patient = { patientId: '1', issuer: 'A', studyInstanceUid: '1.2.3' };
    const keys = [
      keyOf(patient),
      keyOf({ ...patient, issuer: 'B' }),
      keyOf({ ...patient, patientId: '1A', issuer: '' }),
      keyOf({ ...patient, patientId: '2' }),
      (await patientKeys(database))(patient),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('never join studies under a placeholder, also of before it was one', async () => {
    const keyOf = await patientKeys(database, ['UNKNOWN']);
    const patient = { patientId: ' unknown ', issuer: undefined, studyInstanceUid: '1.2.3' };
    expect(keyOf(patient)).not.toBe(keyOf({ ...patient, studyInstanceUid: '1.2.4' }));
    const issued = { ...patient, issuer: 'HOSPITAL' };
    expect(keyOf(issued)).toBe(keyOf({ ...issued, studyInstanceUid: '1.2.4' }));

    const former = await patientKeys(database, []);
    const volumes = [
      ['n.1', 'Unknown', true],
      ['n.2', 'X-RAY', false],
    ] as const;
    for (const [study, patientId, hasHeader] of volumes) {
      const key = former({ patientId, issuer: undefined, studyInstanceUid: study });
      await recordVolume(
        database,
        volume(key, '20240101', { studyInstanceUid: study, seriesInstanceUid: study }),
      );
      const keep = await headerRecorder(database, { names: true, placeholderIds: [] });
      if (hasHeader) await keep(study, { PatientID: patientId });
    }
    await applyPlaceholders(database, ['UNKNOWN', 'X-RAY']);
    const keys = (await volumesOfStudies(database, ['n.1', 'n.2'])).map(({ patientKey }) => patientKey);
    const now = await patientKeys(database, ['UNKNOWN', 'X-RAY']);
    expect(keys).toEqual(
      volumes.map(([studyInstanceUid, patientId]) => now({ patientId, issuer: undefined, studyInstanceUid })),
    );
  });

  it('never join studies that name no patient', async () => {
    const keyOf = await patientKeys(database);
    const nobody = { patientId: ' ', issuer: undefined, studyInstanceUid: '1.2.3' };
    expect(keyOf(nobody)).toBe(keyOf({ ...nobody, patientId: undefined }));
    expect(keyOf(nobody)).not.toBe(keyOf({ ...nobody, studyInstanceUid: '1.2.4' }));
  });
});

/** The order of rows of one series: by part, then as they were recorded (the sort is stable). */
function byPart(a: VolumeRecord, b: VolumeRecord): number {
  return a.part < b.part ? -1 : Number(a.part > b.part);
}
