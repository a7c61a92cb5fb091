import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RebuildParts, rebuildHistory } from '../../src/pipeline/rebuild/rebuild-history.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { describeArchives } from '../support/archives.ts';
import { runCli } from '../support/run-cli.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { isWhole } from '../support/whole.ts';

const FORMER = '2.25.7001';
const LATER = '2.25.7002';
const DARK = '2.25.7003';
const MR = '2.25.7004';
const NAMELESS = '2.25.7005';

describeArchives(
  'the volume history',
  (running) => {
    let runs: SmallRuns;
    let fresh: Database;
    const problems: string[] = [];

    const rebuild = async (database: Database, more: Partial<RebuildParts> = {}) =>
      rebuildHistory({
        archive: runs.archive,
        database,
        patientKey: await patientKeys(database),
        pageSize: 2,
        now: () => new Date(),
        warn: (_, message) => problems.push(message),
        ...more,
      });

    beforeAll(async () => {
      runs = await startSmallRuns(running.url);
      fresh = await openDatabase({ memory: true });
      const secret = await runs.database.query('SELECT name, value FROM pansegnet.setting');
      for (const { name, value } of secret) {
        await fresh.query('INSERT INTO pansegnet.setting (name, value) VALUES ($1, $2)', [name, value]);
      }
      const t2w = { Modality: 'MR', SOPClassUID: '1.2.840.10008.5.1.4.1.1.4', PatientID: 'P-2' };
      const studies = {
        [FORMER]: smallCtSeries(FORMER, { StudyDate: '20240102' }),
        [LATER]: smallCtSeries(LATER, { StudyDate: '20250102', IssuerOfPatientID: '' }, 14),
        [DARK]: smallCtSeries(DARK, { StudyDate: '20250203', RescaleIntercept: '-500' }),
        [MR]: smallCtSeries(MR, { ...t2w, StudyDate: '20250304', TimezoneOffsetFromUTC: '+0530' }),
        [NAMELESS]: smallCtSeries(NAMELESS, { PatientID: '', StudyDate: '', StudyTime: '' }),
      };
      for (const [study, instances] of Object.entries(studies)) {
        await runs.archive.storeVerified(study, instances);
        const seriesInstanceUid = `${study}.1`;
        await runs.process(study, { seriesInstanceUid, class: study === MR ? 'T2W' : 'CT_ABDOMEN' });
      }
      // Late slices: other results, whose report supersedes the first.
      await runs.archive.storeVerified(
        MR,
        smallCtSeries(MR, { ...t2w, StudyDate: '20250304' }, 15).slice(12),
      );
      await runs.process(MR, { seriesInstanceUid: `${MR}.1`, class: 'T2W' });
    });
    afterAll(async () => {
      await fresh?.close();
      await runs?.stop();
    });

    it('is rebuilt row by row from the reports in the archive alone', async () => {
      const original = await allVolumes(runs.database);
      expect(original).toHaveLength(5);
      expect(original.filter(({ supersedes }) => supersedes !== null)).toHaveLength(1);
      expect(original.filter(({ seg }) => seg === null).map(({ flags }) => flags)).toEqual([
        ['nothing-found'],
      ]);
      expect(original.filter(({ intervalMl }) => intervalMl !== null)).toHaveLength(4);

      expect(await rebuild(fresh)).toEqual({ studies: 5, reports: 6, volumes: 5, kept: 0 });
      expect(await allVolumes(fresh)).toEqual(original);
      expect(problems).toEqual([]);
    });

    it('is the same after it was rebuilt twice, and where it was never lost', async () => {
      const original = await allVolumes(runs.database);
      await rebuild(fresh);
      await rebuild(runs.database);
      expect(await allVolumes(fresh)).toEqual(original);
      expect(await allVolumes(runs.database)).toEqual(original);
    });

    it('is rebuilt and shown by the command line, as sentences, JSON and CSV', async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'history-cli-'));
      try {
        const file = path.join(folder, 'site.yaml');
        const site = {
          archive: { kind: 'dicomweb', url: running.url },
          database: { folder: path.join(folder, 'database') },
        };
        await writeFile(file, JSON.stringify(site));
        const given = ['--config', file];
        const rebuilt = await runCli('history', 'rebuild', '--new', '--json', ...given);
        expect(rebuilt.code, rebuilt.stderr).toBe(0);
        expect(JSON.parse(rebuilt.stdout)).toEqual({ studies: 5, reports: 6, volumes: 5, kept: 0 });
        const volumes: unknown = JSON.parse((await runCli('history', '--json', ...given)).stdout);
        expect(volumes).toHaveLength(5);
        expect((await runCli('history', ...given)).stdout.trim().split('\n')).toHaveLength(5);
        expect((await runCli('history', '--csv', ...given)).stdout.trim().split('\r\n')).toHaveLength(6);
        const nobody = await runCli('history', '--csv', '--patient', 'nobody', ...given);
        expect([nobody.code, nobody.stdout]).toEqual([1, '']);
        expect(nobody.stderr).toContain('no volume of a patient with the key nobody');
        expect((await runCli('history', '--csv', '--json', ...given)).code).toBe(2);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('has the volumes of reports that earlier versions wrote', async () => {
      const folder = path.resolve(import.meta.dirname, '../fixtures/reports');
      const files = (await readdir(folder)).filter((name) => name.endsWith('.dcm'));
      for (const name of files) {
        const bytes = await readFile(path.join(folder, name));
        await runs.archive.storeVerified(undefined, [bytes]);
      }
      const known = await allVolumes(fresh);
      const counts = await rebuild(fresh);
      // A correction without the report that it corrects is no volume of its own.
      const volumes = 5 + files.filter((name) => !name.includes('corrected')).length;
      expect(counts).toEqual({ studies: 5 + files.length, reports: 6 + files.length, volumes, kept: 0 });
      const earlier = (await allVolumes(fresh)).filter(
        ({ report }) => !known.some((one) => one.report.sopInstanceUid === report.sopInstanceUid),
      );
      const found = earlier.filter(({ flags }) => !flags.includes('nothing-found'));
      expect(found.map(({ volumeMl }) => volumeMl)).toEqual([70.412345, 70.412345]);
      expect(problems).toEqual([]);
    });

    it('stays as it was where the archive fails before it was read to its end', async () => {
      const original = await allVolumes(fresh);
      const archive: RebuildParts['archive'] = {
        searchStudies: (query) => runs.archive.searchStudies(query),
        searchSeries: (study) => runs.archive.searchSeries(study),
        seriesMetadata: (study, series) => runs.archive.seriesMetadata(study, series),
        retrieveSeries: () => {
          throw new Error('the archive is gone');
        },
      };
      await expect(rebuild(fresh, { archive })).rejects.toThrow('the archive is gone');
      expect(await allVolumes(fresh)).toEqual(original);
    });
  },
  { embedded: isWhole },
);
