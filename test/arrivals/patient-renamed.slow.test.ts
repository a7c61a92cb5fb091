import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { readReport, type VolumeReport } from '../../src/sr/read-report.ts';
import { findStudyListing } from '../../src/store/records/find-studies.ts';
import { addOptOut } from '../../src/store/records/opt-out.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';

const NEVER = '0 0 0 29 2 *';
const JANE = { PatientName: 'Doe^Jane', PatientBirthDate: '19600102', PatientSex: 'F' };
const FIRST = '2.25.8101';
const SECOND = '2.25.8102';
const OTHER = '2.25.8103';

// Followed by its list of changes, and by the list of studies that any archive gives.
describe.each(['orthanc', 'dicomweb'])('by %s', (kind) => {
  describeWith(['Orthanc'], 'a patient whom Orthanc renames', () => {
    let folder: string;
    let orthanc: OrthancServer;
    let node: PansegnetNode;
    const stages: string[] = [];

    const start = async (archive: Readonly<Record<string, unknown>>) =>
      startNode(
        loadConfig({
          environment: {},
          overrides: {
            archive,
            database: { folder: path.join(folder, 'database') },
            audit: { folder: path.join(folder, 'audit') },
            intake: { spoolFolder: path.join(folder, 'spool') },
            watch: { schedule: NEVER, lookBack: 'all', stableForSeconds: 0 },
            selection: { siteRules: SMALL_SERIES_RULES },
            models: await writeSmallModels(path.join(folder, 'models')),
            inference: { threads: 1 },
            queue: { retries: 0 },
            http: { port: 0 },
            log: { level: 'fatal' },
          },
        }),
        { onProgress: ({ stage, done }) => void (done === undefined && stages.push(stage)) },
      );

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'patient-renamed-'));
      orthanc = await startOrthanc();
      node = await start({ kind, url: orthanc.url });
    });
    afterAll(async () => {
      await node?.stop();
      await orthanc?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    const stateOf = async (study: string) => (await findStudyListing(node.database, study))?.study.state;
    /** Two polls, as a schedule makes them, and the end of the work that they found. */
    const twoPolls = async () => {
      for (let turn = 0; turn < 2; turn += 1) {
        await node.watcher.poll();
        for (const study of [FIRST, SECOND, OTHER]) {
          while (['queued', 'running'].includes((await stateOf(study)) ?? '')) await wait(50);
        }
      }
    };
    const volumeOf = async (study: string): Promise<VolumeRecord> => {
      const [volume] = (await findStudyListing(node.database, study))?.volumes ?? [];
      if (!volume) throw new Error(`study ${study} has no volume`);
      return volume;
    };
    const reportOf = async (
      volume: VolumeRecord,
    ): Promise<{ read: VolumeReport; name: string | undefined }> => {
      const { seriesInstanceUid, sopInstanceUid } = volume.report;
      const bytes = await node.archive.retrieveInstance(
        volume.studyInstanceUid,
        seriesInstanceUid,
        sopInstanceUid,
      );
      const read = readReport(bytes);
      if (!read) throw new Error('no report');
      return { read, name: text(readInstance(bytes, 'report').dataset, 'PatientName') };
    };
    const modify = async (patientId: string, replace: Readonly<Record<string, string>>) => {
      const patients: string[] = await (await fetch(`${orthanc.restUrl}/patients`)).json();
      for (const id of patients) {
        const { MainDicomTags } = await (await fetch(`${orthanc.restUrl}/patients/${id}`)).json();
        if (MainDicomTags.PatientID !== patientId) continue;
        const response = await fetch(`${orthanc.restUrl}/patients/${id}/modify`, {
          method: 'POST',
          body: JSON.stringify({
            Replace: replace,
            Keep: ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'],
            Force: true,
            KeepSource: false,
          }),
        });
        expect(response.status, await response.text()).toBe(200);
      }
    };
    const patientPage = async (key: string) => {
      const response = await fetch(`${node.url}/patients/${key}`);
      return { status: response.status, text: await response.text() };
    };

    it('is followed within two polls by history, pages and a report, and nothing is segmented again', async () => {
      const jane = { ...JANE, PatientID: 'P-OLD' };
      await node.archive.storeVerified(FIRST, smallCtSeries(FIRST, { ...jane, StudyDate: '20240102' }));
      await node.archive.storeVerified(SECOND, smallCtSeries(SECOND, { ...jane, StudyDate: '20250102' }));
      const other = { ...JANE, PatientID: 'P-NEW', StudyDate: '20230102' };
      await node.archive.storeVerified(OTHER, smallCtSeries(OTHER, other));
      await twoPolls();
      const [first, second, merged] = [await volumeOf(FIRST), await volumeOf(SECOND), await volumeOf(OTHER)];
      expect(second.patientKey).toBe(first.patientKey);
      expect(merged.patientKey).not.toBe(first.patientKey);
      // Nothing is news to what the archive has been like all the time.
      stages.splice(0);
      await twoPolls();
      expect(stages).toEqual([]);

      await modify('P-OLD', { PatientID: 'P-NEW', PatientName: 'Doe^Jane^Mary' });
      await twoPolls();
      expect(stages).toContain('results');
      expect(stages).not.toContain('segment');
      for (const [before, study, priors] of [
        [first, FIRST, 1],
        [second, SECOND, 2],
      ] as const) {
        const volume = await volumeOf(study);
        expect(volume).toMatchObject({
          patientKey: merged.patientKey,
          seg: before.seg,
          volumeMl: before.volumeMl,
        });
        expect(volume.supersedes).toBe(before.report.sopInstanceUid);
        const { read, name } = await reportOf(volume);
        expect(name).toBe('Doe^Jane^Mary');
        expect(read).toMatchObject({
          patient: { patientId: 'P-NEW' },
          supersedes: before.report.sopInstanceUid,
          volumeMl: before.volumeMl,
        });
        expect(read.priorStudies).toHaveLength(priors);
      }
      expect((await patientPage(first.patientKey)).status).toBe(404);
      const page = await patientPage(merged.patientKey);
      expect(page.text).toContain('P-NEW');
      for (const study of [FIRST, SECOND, OTHER]) expect(page.text).toContain(study);

      stages.splice(0);
      await twoPolls();
      expect(stages).toEqual([]);
    });

    it('is asked about on the opt-out list again', async () => {
      const before = await volumeOf(OTHER);
      await addOptOut(node.database, { patientId: 'P-OUT' }, new Date());
      await modify('P-NEW', { PatientID: 'P-OUT' });
      stages.splice(0);
      await twoPolls();
      expect(stages).toEqual([]);
      const listing = await findStudyListing(node.database, OTHER);
      expect(listing?.study).toMatchObject({
        state: 'skipped',
        reason: 'the patient is on the opt-out list',
      });
      expect((await volumeOf(OTHER)).patientKey).not.toBe(before.patientKey);

      await modify('P-OUT', { PatientID: 'P-IN', PatientName: 'Doe^Jane' });
      await twoPolls();
      expect((await findStudyListing(node.database, OTHER))?.study.state).toBe('done');
      expect((await reportOf(await volumeOf(OTHER))).read.patient.patientId).toBe('P-IN');
    });

    // An archive that is listed counts the second patient's study apart: the next look, within a day, finds it.
    it.runIf(kind === 'orthanc')(
      'with two patients under one StudyInstanceUID, the study is refused',
      async () => {
        const before = await volumeOf(FIRST);
        const rita = { PatientID: 'P-RITA', PatientName: 'Roe^Rita', SeriesInstanceUID: `${FIRST}.7` };
        const [image] = smallCtSeries(FIRST, { ...rita, SOPInstanceUID: `${FIRST}.7.1` });
        if (!image) throw new Error('no image');
        await node.archive.storeVerified(undefined, [image]).catch(() => undefined);
        await twoPolls();
        const listing = await findStudyListing(node.database, FIRST);
        expect(listing?.study).toMatchObject({ state: 'failed', errorCode: 'PATIENTS_MIXED' });
        expect(await volumeOf(FIRST)).toEqual(before);
      },
    );
  });
});
