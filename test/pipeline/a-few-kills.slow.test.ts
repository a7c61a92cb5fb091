import { afterEach, beforeEach, expect, it } from 'vitest';
import { balanceOf, exactlyOnce } from '../support/exactly-once.ts';
import { killRun } from '../support/kill-run.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';
import { isWhole } from '../support/whole.ts';

/** A small version of `npm run test:kills`. */
const FEW = isWhole ? { studies: 4, kills: 4 } : { studies: 2, kills: 2 };

describeWith(
  ['Orthanc', 'postgresql'],
  'killed at random moments, a node leaves each result exactly once',
  () => {
    let orthanc: OrthancServer;
    // One for each: an archive that is polled has no other studies.
    beforeEach(async () => {
      orthanc = await startOrthanc();
    });
    afterEach(() => orthanc?.stop());

    it('as one process on the embedded database', async () => {
      const result = await killRun({ ...FEW, seed: 7, archiveUrl: orthanc.url });
      expect(balanceOf(result)).toEqual(exactlyOnce(FEW.studies));
    });

    it('while what is taken first shows no organ, and the next series is tried', async () => {
      const result = await killRun({ ...FEW, seed: 9, archiveUrl: orthanc.url, withEmptySeries: true });
      expect(balanceOf(result)).toEqual(exactlyOnce(FEW.studies));
      expect(
        new Set(result.history.map(({ seriesInstanceUid }) => seriesInstanceUid.split('.').at(-1))),
      ).toEqual(new Set(['1']));
      expect(result.tried).toBe(FEW.studies);
    });

    it('as a gateway and two workers on a PostgreSQL server', async () => {
      const server = await startPostgres();
      try {
        const databaseUrl = await server.newDatabase();
        const result = await killRun({ ...FEW, seed: 8, archiveUrl: orthanc.url, databaseUrl });
        expect(balanceOf(result)).toEqual(exactlyOnce(FEW.studies));
      } finally {
        await server.stop();
      }
    });
  },
);
