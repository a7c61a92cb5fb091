import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type EarlierArchive, searchEarlier } from '../../src/arrivals/watch/search-earlier.ts';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { dueAnnouncements, settleAnnouncement } from '../../src/store/arrivals/announcements.ts';
import {
  dueEarlierSearch,
  earlierAnswer,
  postponeEarlierSearch,
  wantEarlierStudies,
} from '../../src/store/arrivals/earlier-searches.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { addOptOut } from '../../src/store/records/opt-out.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { identityReader, namedPatient } from '../../src/store/records/study-identity.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const NEW = '1.2.0';
const JANE = {
  PatientID: 'P-1',
  PatientName: 'Doe^Jane',
  PatientBirthDate: '19600102',
  PatientSex: 'F',
  StudyDate: '20260301',
  StudyTime: '101500',
};

/** An archive whose lists say what they say, whatever is asked, and whose images say what they say. */
class OddArchive implements EarlierArchive {
  readonly studies = new Map<string, { listed: DicomDataset; image: DicomDataset; modality?: string }>();
  readonly asked: unknown[] = [];
  read = 0;
  isDown = false;
  /** What the archive answers of a study, in place of its images. */
  readonly troubles = new Map<string, Error>();

  add(uid: string, image: object, listed: object = image, modality = 'CT'): void {
    this.studies.set(uid, { image: { ...JANE, ...image }, listed: { ...JANE, ...listed }, modality });
  }

  async *searchStudiesMatching(match: { patientId?: string }): AsyncIterable<DicomDataset> {
    this.asked.push(match);
    if (this.isDown) throw new DicomError('DICOM_WEB_UNREACHABLE', 'connection refused');
    for (const [uid, { listed }] of this.studies) yield { StudyInstanceUID: uid, ...listed };
  }
  async searchSeries(uid: string): Promise<DicomDataset[]> {
    const study = this.studies.get(uid);
    const trouble = this.troubles.get(uid);
    if (trouble) throw trouble;
    return study ? [{ SeriesInstanceUID: `${uid}.1`, Modality: study.modality }] : [];
  }
  async anyInstance(uid: string): Promise<DicomDataset | undefined> {
    this.read += 1;
    return this.studies.get(uid)?.image;
  }
}

let database: Database;
let archive: OddArchive;
/** What happens between a search's being due and its end. */
let whileAsked: () => Promise<unknown> = async () => undefined;
beforeAll(async () => {
  database = await openDatabase({ memory: true });
});
afterAll(() => database?.close());
beforeEach(async () => {
  whileAsked = async () => undefined;
  archive = new OddArchive();
  for (const table of ['earlier_search', 'announcement', 'opt_out']) {
    await database.query(`DELETE FROM pansegnet.${table}`);
  }
});

const limits = { years: 5, studies: 3, pageSize: 10, retries: 2 };
async function search(image: object = {}, wanted: Partial<typeof limits> = {}) {
  archive.add(NEW, image);
  const patientKey = await patientKeys(database);
  const key = patientKey({ ...namedPatient({ ...JANE, ...image }), studyInstanceUid: NEW });
  await wantEarlierStudies(database, { patientKey: key, studyInstanceUid: NEW, now: NOW });
  const due = await dueEarlierSearch(database, NOW);
  await whileAsked();
  if (!due) throw new Error('no search is due');
  const identities = await identityReader(database);
  const parts = { archive, database, identities, patientKey, now: () => NOW, ...limits, ...wanted };
  return { key, answer: await searchEarlier(parts, due) };
}

it('the newest of one person are announced, as many as the site wants, and once', async () => {
  for (const year of [2022, 2025, 2023, 2024]) archive.add(`1.2.${year}`, { StudyDate: `${year}0101` });
  archive.add('1.2.2019', { StudyDate: '20190101' });
  archive.add('1.2.2027', { StudyDate: '20270101' });
  const { key, answer } = await search();
  expect(answer).toEqual({ taken: ['1.2.2025', '1.2.2024', '1.2.2023'], leftOut: [] });
  expect(archive.asked).toMatchObject([{ patientId: 'P-1', from: '20210301', until: '20260301' }]);
  const announced: string[] = [];
  for (;;) {
    // One at a time, and behind what was announced in any other way.
    const [one, ...others] = await dueAnnouncements(database, NOW, 10);
    if (!one) break;
    expect(others).toEqual([]);
    expect(one.source).toMatchObject({ kind: 'earlier' });
    announced.push(one.studyInstanceUid);
    await settleAnnouncement(database, one);
  }
  expect(announced).toEqual(answer.taken);
  expect(await earlierAnswer(database, key)).toEqual(answer);
  expect(await dueEarlierSearch(database, NOW)).toBeUndefined();
  await wantEarlierStudies(database, { patientKey: key, studyInstanceUid: '1.2.9', now: NOW });
  expect(await dueEarlierSearch(database, NOW)).toBeUndefined();
});

it('whose a study is, its images say, whatever the list says', async () => {
  const stranger = { PatientBirthDate: '19710203' };
  archive.add('1.2.1', { ...stranger, StudyDate: '20250101' }, { StudyDate: '20250101' });
  archive.add('1.2.2', { StudyDate: '20240101' }, { ...stranger, StudyDate: '20240101' });
  const { answer } = await search();
  expect(answer.taken).toEqual(['1.2.2']);
  expect(answer.leftOut).toMatchObject([
    { studyInstanceUid: '1.2.1', reason: expect.stringContaining('birth date') },
  ]);
});

it('what may be of either of two who share the ID is of nobody', async () => {
  archive.add('1.2.1', { PatientBirthDate: '19710203', StudyDate: '20250101' });
  archive.add('1.2.2', { PatientBirthDate: undefined, StudyDate: '20240101' });
  const { answer } = await search();
  expect(answer.taken).toEqual([]);
  expect(answer.leftOut).toHaveLength(2);
});

it.each([
  ['another ID that a wildcard matches', { PatientID: 'P-12' }, undefined],
  ['an ID that differs by case', { PatientID: 'p-1' }, undefined],
  ['an ID that another institution issued', { IssuerOfPatientID: 'ELSEWHERE' }, undefined],
  ['images of another ID than the list says', { PatientID: 'P-2' }, {}],
])('%s is somebody else', async (_what, image, listed) => {
  const dated = { StudyDate: '20250101' };
  archive.add('1.2.1', { ...image, ...dated }, { ...(listed ?? image), ...dated });
  expect((await search({ PatientID: 'P-1' })).answer.taken).toEqual([]);
});

it('studies without CT or MR cost nothing', async () => {
  archive.add('1.2.1', { StudyDate: '20250101', ModalitiesInStudy: ['US', 'SR'] });
  const { answer } = await search();
  expect(answer.taken).toEqual([]);
  // The study that made the patient known.
  expect(archive.read).toBe(1);
});

it.each([{ PatientID: 'UNKNOWN' }, { PatientID: ' ' }, { PatientID: '000' }])(
  'for $PatientID, that names nobody, nothing is asked',
  async (image) => {
    archive.add('1.2.1', { ...image, StudyDate: '20250101' });
    expect((await search(image)).answer).toEqual({ taken: [], leftOut: [] });
    expect(archive.asked).toEqual([]);
  },
);

it('who is on the opt-out list is not asked about, and a study on it is left out', async () => {
  archive.add('1.2.1', { StudyDate: '20250101' });
  archive.add('1.2.2', { StudyDate: '20240101' });
  await addOptOut(database, { studyInstanceUid: '1.2.1' }, NOW);
  expect((await search()).answer).toMatchObject({
    taken: ['1.2.2'],
    leftOut: [{ studyInstanceUid: '1.2.1' }],
  });
  await addOptOut(database, { patientId: 'P-1' }, NOW);
  await database.query('DELETE FROM pansegnet.earlier_search');
  archive.asked.splice(0);
  expect((await search()).answer.taken).toEqual([]);
  expect(archive.asked).toEqual([]);
});

it('an archive that does not answer is asked again', async () => {
  archive.isDown = true;
  await expect(search()).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
  expect(await dueEarlierSearch(database, NOW)).toMatchObject({ studyInstanceUid: NEW });
});

const passing = [
  new DicomWebStatusError('http://archive', 503),
  new DicomWebStatusError('http://archive', 401),
  new DicomWebStatusError('http://archive', 429),
  new DicomError('DICOM_WEB_ANSWER', 'a page of a proxy'),
];

it.each(passing.map((error) => [error.message, error] as const))(
  'what may pass ends no search: %s',
  async (_message, error) => {
    archive.add('1.2.1', { StudyDate: '20250101' });
    archive.troubles.set(NEW, error);
    await expect(search()).rejects.toBe(error);
    // However often: nothing is known of the patient then.
    await database.query('UPDATE pansegnet.earlier_search SET failures = 99');
    await expect(search()).rejects.toBe(error);
    archive.troubles.clear();
    expect((await search()).answer.taken).toEqual(['1.2.1']);
  },
);

it.each(passing.map((error) => [error.message, error] as const))(
  'of one of the studies it begins anew, as often as a job, and then leaves that one out: %s',
  async (_message, error) => {
    archive.add('1.2.1', { StudyDate: '20250101' });
    archive.add('1.2.2', { StudyDate: '20240101' });
    archive.troubles.set('1.2.1', error);
    for (let failures = 0; failures < limits.retries; failures++) {
      await expect(search()).rejects.toBe(error);
      const due = await dueEarlierSearch(database, NOW);
      if (!due) throw new Error('no search is due');
      await postponeEarlierSearch(database, due, NOW);
    }
    expect((await search()).answer).toEqual({
      taken: ['1.2.2'],
      leftOut: [{ studyInstanceUid: '1.2.1', reason: 'the archive did not give its images, asked 3 times' }],
    });
  },
);

it('what is not there ends it at once', async () => {
  archive.add('1.2.1', { StudyDate: '20250101' });
  archive.troubles.set('1.2.1', new DicomWebStatusError('http://archive', 404));
  expect((await search()).answer).toMatchObject({ taken: [], leftOut: [{ studyInstanceUid: '1.2.1' }] });
});

it('of a patient who is erased meanwhile nothing is announced', async () => {
  archive.add('1.2.1', { StudyDate: '20250101' });
  whileAsked = () => database.query('DELETE FROM pansegnet.earlier_search');
  expect((await search()).answer).toEqual({ taken: [], leftOut: [] });
  expect(await dueAnnouncements(database, NOW, 10)).toEqual([]);
});

it('a study whose patient was erased is neither taken nor read', async () => {
  archive.add('1.2.1', { StudyDate: '20250101' });
  await database.query(
    `INSERT INTO pansegnet.study (study_instance_uid, state, first_seen_at, changed_at, erased_at)
     VALUES ('1.2.1', 'skipped', $1, $1, $1)`,
    [NOW],
  );
  expect((await search()).answer).toEqual({ taken: [], leftOut: [] });
  expect(archive.read).toBe(1);
  await database.query('DELETE FROM pansegnet.study');
});

it('an archive that heeds no PatientID is not listed to its end', async () => {
  const many = archive.studies;
  for (let one = 0; one < 10_001; one++)
    many.set(`1.3.${one}`, { listed: { PatientID: 'OTHER' }, image: {} });
  await expect(search()).rejects.toMatchObject({ code: 'DICOM_WEB_ANSWER' });
});
