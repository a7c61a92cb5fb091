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
  pages = await startPagesNode();
  for (const { uid, attributes } of STUDIES) {
    await pages.store(smallCtSeries(uid, attributes));
    await pages.process(uid);
  }
});
afterAll(() => pages?.stop());

/** What is said of each study, everywhere. */
async function nobodyIsCompared(): Promise<void> {
  const { node } = pages;
  for (const { uid, reason } of STUDIES) {
    const [volume] = (await findStudyListing(node.database, uid))?.volumes ?? [];
    if (!volume) throw new Error(`study ${uid} has no volume`);
    const { seriesInstanceUid, sopInstanceUid } = volume.report;
    const bytes = await node.archive.retrieveInstance(uid, seriesInstanceUid, sopInstanceUid);
    expect(readReport(bytes)).toMatchObject({ priorStudies: [], changesPercent: [] });
    const words = JSON.stringify(readInstance(bytes, 'report').dataset);
    expect(words).not.toContain('Since the');
    for (const other of STUDIES) if (other.uid !== uid) expect(words).not.toContain(`"${other.uid}"`);
    // The first of those who share an ID had nobody to be compared with.
    if (uid !== STUDIES[0]?.uid) expect(words).toContain(reason);

    const place = `${node.url}/api/patients/${volume.patientKey}/volumes`;
    const { trends, notCompared } = await (await fetch(place)).json();
    for (const { points } of trends) expect(points).toHaveLength(1);
    expect(notCompared.map((one: { studyInstanceUid: string }) => one.studyInstanceUid)).toContain(uid);
    const page = await (await fetch(`${node.url}/patients/${volume.patientKey}`)).text();
    expect(page).toContain(reason);
    expect(page).not.toContain(' %)');
    const csv = (await (await fetch(`${place}.csv`)).text()).trim().split('\r\n').slice(1);
    const persons = csv.map((line) => line.split(',').at(-2));
    expect(new Set(persons).size).toBe(persons.length);
  }
  const keys = (await allVolumes(node.database)).map(({ patientKey }) => patientKey);
  expect(new Set(keys).size).toBe(1 + PLACEHOLDERS.length);
}

it('three patients who share an ID, and those with placeholders, are compared nowhere', async () => {
  await nobodyIsCompared();
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
  await nobodyIsCompared();
});
