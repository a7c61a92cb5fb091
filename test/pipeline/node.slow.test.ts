import { afterAll, beforeAll, expect, it } from 'vitest';
import { syntheticStudies } from '../../src/demo/studies.ts';
import { requiredText, text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { isOwnResult } from '../../src/results/own-results.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';
import { allInstances, REAL_CT_STUDY, realCtStudy, sendByCStore } from '../support/study-files.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';
import { validatorFindings } from '../support/validators.ts';

/** The words of the real CT say nothing of an abdomen, so the site has to. */
const SITE_RULE = {
  when: { modality: { is: 'CT' }, words: { matches: '^ct images' } },
  class: 'CT_ABDOMEN',
  reason: 'this protocol covers the upper abdomen',
};
const TWENTY = Array.from({ length: 20 });

describeWith(['Orthanc', 'storescu', 'dciodvfy', 'java', 'shared'], 'a node beside Orthanc', () => {
  const synthetic = syntheticStudies();
  const [firstCt, secondCt, mr] = synthetic;
  const studies = [...synthetic.map(({ studyInstanceUid }) => studyInstanceUid), REAL_CT_STUDY].sort();
  let orthanc: OrthancServer;
  let client: DicomWebClient;
  let testNode: TestNode;

  beforeAll(async () => {
    orthanc = await startOrthanc();
    client = new DicomWebClient({ url: orthanc.url });
    testNode = await startTestNode(orthanc.url, { selection: { rules: null, siteRules: [SITE_RULE] } });
  });
  afterAll(async () => {
    await testNode?.stop();
    await orthanc?.stop();
  });

  const poll = () => testNode.node().watcher.poll();

  /** Every instance in the archive as `study/series/instance`. */
  const listArchive = async (): Promise<string[]> => {
    const all: string[] = [];
    for (const study of studies) {
      for (const series of await client.searchSeries(study)) {
        const uid = requiredText(series, 'SeriesInstanceUID', 'series');
        const instances = await client.searchInstances(study, uid);
        all.push(...instances.map((one) => `${study}/${uid}/${text(one, 'SOPInstanceUID')}`));
      }
    }
    return all.sort();
  };

  it('queues what arrived by STOW-RS and by C-STORE at the second look that finds the same', async () => {
    if (!firstCt || !secondCt || !mr) throw new Error('three synthetic studies are expected');
    await sendByCStore([...allInstances(firstCt), ...(await realCtStudy())], orthanc.dicomPort);
    for (const study of [secondCt, mr])
      await client.storeVerified(study.studyInstanceUid, allInstances(study));

    const ended = Promise.all(studies.map((study) => testNode.node().studyEnded(study)));
    expect((await poll()).queued).toEqual([]);
    await poll();
    await ended;
  });

  it('has put SEG and SR of each suitable series into its study when the run ends', async () => {
    for (const study of synthetic) {
      const details = await testNode.node().studyDetails(study.studyInstanceUid);
      expect(details?.study.state, details?.study.reason).toBe('done');
      const wanted = study.series.filter(({ kind }) => kind !== 'NONE').map((one) => one.seriesInstanceUid);
      expect(details?.volumes.map((one) => one.seriesInstanceUid).sort()).toEqual(wanted.sort());
      for (const { seg, report } of details?.volumes ?? []) {
        for (const result of [seg, report]) {
          const { seriesInstanceUid = '', sopInstanceUid = '' } = result ?? {};
          expect(await client.isStored(study.studyInstanceUid, seriesInstanceUid, sopInstanceUid)).toBe(true);
        }
      }
    }
    const real = await testNode.node().studyDetails(REAL_CT_STUDY);
    expect(real?.study.state, real?.study.reason).toBe('done');
    expect(real?.volumes).toHaveLength(1);
    expect(real?.decisions.filter(({ chosen }) => chosen).map(({ reason }) => reason)).toEqual([
      SITE_RULE.reason,
    ]);
  });

  it('says of every series that it left out why', async () => {
    const details = await testNode.node().studyDetails(mr?.studyInstanceUid ?? '');
    const leftOut = details?.decisions.filter(({ chosen }) => !chosen) ?? [];
    expect(leftOut.length).toBeGreaterThan(0);
    expect(leftOut.every(({ reason }) => reason !== '')).toBe(true);
  });

  it('leaves results in which the validators find nothing, of each class and finding one', async () => {
    const seen = new Set<string>();
    for (const study of studies) {
      const volumes = (await testNode.node().studyDetails(study))?.volumes ?? [];
      for (const { class: seriesClass, seg, report } of volumes) {
        const kind = `${seriesClass} ${seg ? 'found' : 'nothing'}`;
        if (seen.has(kind)) continue;
        seen.add(kind);
        const files: Record<string, Uint8Array> = {};
        if (seg)
          files['seg'] = await client.retrieveInstance(study, seg.seriesInstanceUid, seg.sopInstanceUid);
        files['sr'] = await client.retrieveInstance(study, report.seriesInstanceUid, report.sopInstanceUid);
        expect(await validatorFindings(files)).toEqual([]);
      }
    }
  });

  it('adds nothing in twenty more polls and after a restart', async () => {
    const before = await listArchive();
    for (const _ of TWENTY) expect((await poll()).queued).toEqual([]);
    await testNode.restart();
    for (const _ of TWENTY.slice(0, 2)) expect((await poll()).queued).toEqual([]);
    expect(await listArchive()).toEqual(before);
  });

  it('opens a study again for a late series, and doubles no result', async () => {
    if (!mr) throw new Error('three synthetic studies are expected');
    const before = await listArchive();
    const series = `${mr.studyInstanceUid}.9`;
    const uids = { study: mr.studyInstanceUid, series, sop: `${series}.1` };
    const patient = { PatientID: mr.patientId, PatientName: '' };
    const late = smallInstance(uids, { ...patient, Modality: 'MR', SeriesDescription: 'late' });
    await client.storeVerified(mr.studyInstanceUid, [late]);
    const ended = testNode.node().studyEnded(mr.studyInstanceUid);
    expect((await poll()).queued).toEqual([]);
    await poll();
    await ended;
    expect((await testNode.node().studyDetails(mr.studyInstanceUid))?.study.state).toBe('done');
    expect(await listArchive()).toHaveLength(before.length + 1);
  });

  it('takes none of its results as input', async () => {
    for (const study of studies) {
      const decided = (await testNode.node().studyDetails(study))?.decisions.map(
        (one) => one.seriesInstanceUid,
      );
      for (const seriesUid of decided ?? []) {
        const [header] = await client.seriesMetadata(study, seriesUid);
        expect(header && isOwnResult(header)).toBe(false);
      }
    }
  });
});
