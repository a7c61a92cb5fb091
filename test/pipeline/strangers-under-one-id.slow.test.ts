import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { rebuildHistory } from '../../src/pipeline/rebuild/rebuild-history.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { findStudyListing } from '../../src/store/records/find-studies.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { headerRecorder } from '../../src/store/records/study-header.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { smallCtSeries } from '../support/small-series.ts';

/** Three people who share an ID; the third has neither birth date nor sex, and may even share a name. */
const SHARED = [
  { PatientName: 'Doe^Jane', PatientBirthDate: '19600102', PatientSex: 'F' },
  { PatientName: 'Roe^Rita', PatientBirthDate: '19710203', PatientSex: 'F' },
  { PatientName: 'Doe^Jane' },
].map((patient, index) => ({ ...patient, PatientID: 'SHARED-1', StudyDate: `202${index}0301` }));
const SAME = { PatientName: 'Same^Name', PatientBirthDate: '19600102', PatientSex: 'F' };
const PLACEHOLDERS = ['0', '000', 'UNKNOWN', 'anonymous', ' n/a ', 'X'].flatMap((PatientID) =>
  ['20210301', '20220301'].map((StudyDate) => ({ ...SAME, PatientID, StudyDate })),
);
const STUDIES = [...SHARED, ...PLACEHOLDERS].map((attributes, index) => ({
  uid: `2.25.8200${index}`,
  attributes,
  reason: index < SHARED.length ? 'PatientID are not compared' : 'PatientID is missing, or a placeholder',
}));

let pages: PagesNode;
beforeAll(async () => {
  pages = await startPagesNode({ watch: { schedule: '0 0 0 29 2 *', lookBack: 'all', stableForSeconds: 0 } });
  for (const { uid, attributes } of STUDIES) {
    await pages.store(smallCtSeries(uid, attributes));
    await pages.process(uid);
  }
});
afterAll(() => pages?.stop());

/** Looks at what is said of each study, everywhere; gives how many it looked at. */
async function expectNobodyCompared(): Promise<number> {
  const { node } = pages;
  for (const { uid, reason } of STUDIES) {
    const [volume] = (await findStudyListing(node.database, uid))?.volumes ?? [];
    if (!volume) throw new Error(`study ${uid} has no volume`);
    const { seriesInstanceUid, sopInstanceUid } = volume.report;
    const bytes = await node.archive.retrieveInstance(uid, seriesInstanceUid, sopInstanceUid);
    expect(readReport(bytes)).toMatchObject({ priorStudies: [], changesPercent: [] });
    const words = JSON.stringify(readInstance(bytes, 'report').dataset);
    expect(words).not.toContain('Since the');
    const named = STUDIES.filter((other) => other.uid !== uid && words.includes(`"${other.uid}"`));
    expect(named).toEqual([]);
    // The first of those who share an ID had nobody to be compared with.
    expect(words).toContain(uid === STUDIES[0]?.uid ? '' : reason);

    const place = `${node.url}/api/patients/${volume.patientKey}/volumes`;
    const { trends, notCompared } = await (await fetch(place)).json();
    for (const { points } of trends) expect(points).toHaveLength(1);
    expect(notCompared.map((one: { studyInstanceUid: string }) => one.studyInstanceUid)).toContain(uid);
    const page = await (await fetch(`${node.url}/patients/${volume.patientKey}`)).text();
    expect(page).toContain(reason);
    expect(page).not.toContain(' %)');
    expect(await (await fetch(`${node.url}/studies/${uid}`)).text()).toContain(reason);
    const csv = (await (await fetch(`${place}.csv`)).text()).trim().split('\r\n').slice(1);
    const persons = csv.map((line) => line.split(',').at(-3));
    expect(new Set(persons).size).toBe(persons.length);
  }
  const keys = (await allVolumes(node.database)).map(({ patientKey }) => patientKey);
  expect(new Set(keys).size).toBe(1 + PLACEHOLDERS.length);
  return STUDIES.length;
}

it('three patients who share an ID, and those with placeholders, are compared nowhere', async () => {
  expect(await expectNobodyCompared()).toBe(STUDIES.length);
});

it('nor after the history was rebuilt', async () => {
  const { archive, database } = pages.node;
  await rebuildHistory({
    archive,
    database,
    recordHeader: await headerRecorder(database, { names: true }),
    patientKey: await patientKeys(database),
    pageSize: 10,
    now: () => new Date(),
    warn: () => undefined,
  });
  expect(await expectNobodyCompared()).toBe(STUDIES.length);
});

it('a report that compared before more was known of the ID is made anew without the comparison', async () => {
  const { node } = pages;
  const jane = { PatientID: 'LATER-1', PatientName: 'Doe^Jane' };
  const rita = { PatientID: 'LATER-1', PatientName: 'Roe^Rita' };
  const [first, second, third] = ['2.25.82501', '2.25.82502', '2.25.82503'] as const;
  const known = { PatientBirthDate: '19600102', PatientSex: 'F' };
  const reportOf = async (uid: string) => {
    const [volume] = (await findStudyListing(node.database, uid))?.volumes ?? [];
    if (!volume) throw new Error(`study ${uid} has no volume`);
    const { seriesInstanceUid, sopInstanceUid } = volume.report;
    return readReport(await node.archive.retrieveInstance(uid, seriesInstanceUid, sopInstanceUid));
  };
  await pages.store(smallCtSeries(first, { ...jane, ...known, StudyDate: '20210301' }));
  await pages.process(first);
  await pages.store(smallCtSeries(second, { ...jane, StudyDate: '20220301' }));
  await pages.process(second);
  const before = await reportOf(second);
  expect(before?.priorStudies).toEqual([first]);
  await pages.store(
    smallCtSeries(third, { ...rita, ...known, PatientBirthDate: '19710203', StudyDate: '20200301' }),
  );
  await pages.process(third);
  const ended = node.studyEnded(second);
  await node.watcher.poll();
  await ended;
  expect(await reportOf(second)).toMatchObject({ priorStudies: [], supersedes: before?.sopInstanceUid });
});

it('a study whose images name two patients is refused', async () => {
  const { node } = pages;
  const study = '2.25.82601';
  await pages.store(smallCtSeries(study, { PatientID: 'MIXED-1', PatientName: 'Doe^Jane' }));
  const other = { PatientID: 'MIXED-2', PatientName: 'Roe^Rita', SeriesInstanceUID: `${study}.2` };
  const files = Array.from({ length: 3 }, (_, at) =>
    smallCtSeries(study, { ...other, SOPInstanceUID: `${study}.2.${at}` }).slice(at, at + 1),
  );
  await pages.store(files.flat());
  await pages.process(study);
  const listing = await findStudyListing(node.database, study);
  expect(listing?.study).toMatchObject({ state: 'failed', errorCode: 'PATIENTS_MIXED' });
  expect(listing?.study.reason).toMatch(/[0-9a-f]{32} and [0-9a-f]{32}/);
  expect(listing?.volumes).toEqual([]);
});
