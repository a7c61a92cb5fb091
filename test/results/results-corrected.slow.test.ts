import { afterAll, beforeAll, expect, it } from 'vitest';
import { rebuildHistory } from '../../src/pipeline/rebuild/rebuild-history.ts';
import { withdrawResult } from '../../src/pipeline/withdraw/withdraw-result.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { describeArchives } from '../support/archives.ts';
import { correctedSeg } from '../support/reader-seg.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { validatorFindings } from '../support/validators.ts';
import { isWhole } from '../support/whole.ts';

const FIRST = '2.25.7101';
const LATER = '2.25.7102';
/** Scripts that older character sets and many servers get wrong. */
const NAMES = 'Wang^XiaoDong=王^小东=わん^しゃおどん';
const READER_SERIES = '2.25.71019';

describeArchives(
  'results that were not the last word',
  (running) => {
    let runs: SmallRuns;

    const volumeOf = async (study: string): Promise<VolumeRecord> => {
      const volume = (await allVolumes(runs.database)).find(
        ({ studyInstanceUid }) => studyInstanceUid === study,
      );
      if (!volume) throw new Error(`no volume of ${study}`);
      return volume;
    };
    const process = (study: string) =>
      runs.process(study, { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' });
    const retrieve = (study: string, { seriesInstanceUid, sopInstanceUid }: VolumeRecord['report']) =>
      runs.archive.retrieveInstance(study, seriesInstanceUid, sopInstanceUid);

    beforeAll(async () => {
      runs = await startSmallRuns(running.url, { segmentation: ['binary', 'fractional', 'labelmap'] });
      for (const [study, date] of [
        [FIRST, '20240102'],
        [LATER, '20250102'],
      ] as const) {
        await runs.archive.storeVerified(
          study,
          smallCtSeries(study, { StudyDate: date, PatientName: NAMES }),
        );
        await process(study);
      }
    });
    afterAll(() => runs?.stop());

    it('a SEG that a reader stored is measured, and a report supersedes the first', async () => {
      const before = await volumeOf(FIRST);
      if (!before.seg) throw new Error('nothing was found');
      // The reader takes away the last frame, in a program of another make.
      const uids = { SOPInstanceUID: `${READER_SERIES}.1`, SeriesInstanceUID: READER_SERIES };
      const edited = correctedSeg(await retrieve(FIRST, before.seg), uids);
      await runs.archive.storeVerified(FIRST, [edited]);
      await process(FIRST);

      const { correction, report, volumeMl } = await volumeOf(FIRST);
      expect(report).toEqual(before.report);
      expect(volumeMl).toBe(before.volumeMl);
      expect(correction?.volumeMl).toBeLessThan(before.volumeMl);
      expect(correction?.volumeMl).toBeGreaterThan(0);
      expect(correction?.seg).toEqual({
        seriesInstanceUid: READER_SERIES,
        sopInstanceUid: `${READER_SERIES}.1`,
      });
      const written = await retrieve(FIRST, correction?.report ?? report);
      expect(readReport(written)).toMatchObject({
        volumeMl: correction?.volumeMl,
        supersedes: before.report.sopInstanceUid,
        algorithm: undefined,
        segmentation: correction?.seg,
      });
      expect(await validatorFindings({ written })).toEqual([]);
    });

    it('the same SEG is dealt with once', async () => {
      const { correction } = await volumeOf(FIRST);
      const series = await runs.archive.searchSeries(FIRST);
      await process(FIRST);
      expect((await volumeOf(FIRST)).correction).toEqual(correction);
      expect(await runs.archive.searchSeries(FIRST)).toHaveLength(series.length);
    });

    it('later volumes are compared with the corrected one', async () => {
      const { correction } = await volumeOf(FIRST);
      await process(LATER);
      const { report, volumeMl } = await volumeOf(LATER);
      const change = (100 * (volumeMl - (correction?.volumeMl ?? 0))) / (correction?.volumeMl ?? 0);
      expect(readReport(await retrieve(LATER, report))?.changesPercent).toEqual([expect.closeTo(change, 6)]);
    });

    it('a result that was withdrawn is named by a rejection note, marked, and no prior any more', async () => {
      const request = { uid: (await volumeOf(FIRST)).report.seriesInstanceUid, reason: 'quality' } as const;
      const parts = { ...runs, softwareVersion: '0.0.0', now: () => new Date() };
      const { note, instances } = await withdrawResult(request, parts);
      expect(instances).toBe(5); // two reports, and the SEG in three forms
      expect((await volumeOf(FIRST)).withdrawn).toMatchObject({ reason: '113001', note });
      expect((await withdrawResult(request, parts)).note).toBe(note);
      const [ko] = (await runs.archive.searchSeries(FIRST)).filter((one) => one['Modality'] === 'KO');
      const bytes = await runs.archive.retrieveInstance(FIRST, String(ko?.['SeriesInstanceUID']), note);
      expect(await validatorFindings({ note: bytes })).toEqual([]);

      await process(FIRST);
      expect((await volumeOf(FIRST)).withdrawn).toMatchObject({ note });
      await process(LATER);
      expect(readReport(await retrieve(LATER, (await volumeOf(LATER)).report))?.changesPercent).toEqual([]);
      await expect(withdrawResult({ uid: '1.2.3', reason: 'safety' }, parts)).rejects.toThrow(
        /no result 1\.2\.3/,
      );
    });

    it('corrections and withdrawals are rebuilt from the archive too', async () => {
      const fresh = await openDatabase({ memory: true });
      try {
        const { archive, parts } = runs;
        const rebuild = { archive, database: fresh, patientKey: parts.patientKey, pageSize: 10 };
        await rebuildHistory({
          ...rebuild,
          now: () => new Date(),
          warn: (_, message) => expect.fail(message),
        });
        expect(await allVolumes(fresh)).toEqual(await allVolumes(runs.database));
      } finally {
        await fresh.close();
      }
    });
  },
  { embedded: isWhole },
);
