import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/pipeline/database/migration-steps.ts';
import { StudyQueue } from '../../src/pipeline/queue/queue.ts';
import { allVolumes } from '../../src/pipeline/records/history.ts';
import { beginRun } from '../../src/pipeline/records/run-log.ts';
import { findStudy } from '../../src/pipeline/records/study-log.ts';
import type { DatabaseSite } from './database-sites.ts';
import { diarist } from './queue-bench.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/databases');

/** What starting this program on the database of an earlier, or a later, one does. */
export function upgradeBehaviour(newSite: () => Promise<DatabaseSite>): void {
  it.each([1, 2])(
    'a database of schema version %i is brought forward, and the work goes on',
    async (version) => {
      const site = await newSite();
      await site.load(readFileSync(path.join(FIXTURES, `schema-${version}.sql`), 'utf8'));
      const database = await site.open();
      try {
        expect(await database.query('SELECT version FROM pansegnet.schema_version')).toEqual([
          { version: MIGRATIONS.length },
        ]);
        expect(await allVolumes(database)).toMatchObject([
          {
            studyInstanceUid: '1.2.3.1',
            volumeMl: 82.5,
            flags: ['small'],
            intervalMl: version >= 2 ? { low: 80, high: 85 } : null,
            correction: version >= 2 ? { volumeMl: 90 } : null,
            withdrawn: version >= 2 ? { reason: '113001' } : null,
          },
        ]);
        expect(await findStudy(database, '1.2.3.1')).toMatchObject({ state: 'done' });
        // A run keeps what it had fixed before the upgrade.
        const now = new Date();
        const again = { studyInstanceUid: '1.2.3.3', fingerprint: 'f-1.2.3.3', requestId: 'arrival', now };
        const run = await beginRun(database, again);
        expect(run).toMatchObject({ starts: 2, contentDateTime: new Date('2026-03-02T08:00:00.123Z') });

        const queue = await StudyQueue.open(database, {
          onError: (error) => console.error(error),
          pollingSeconds: 0.2,
          heartbeatSeconds: 1,
        });
        expect(await queue.dead({ limit: 10, offset: 0 })).toMatchObject([
          { studyInstanceUid: '1.2.3.2', code: 'DICOM_GEOMETRY', tries: 1 },
        ]);
        const { worker, jobs } = diarist(async () => undefined);
        queue.work(worker);
        await queue.drained();
        expect(jobs.map(({ studyInstanceUid }) => studyInstanceUid).sort()).toEqual(['1.2.3.3', '1.2.3.4']);
        await queue.stop({ graceMs: 0 });
      } finally {
        await database.close();
        await site.remove();
      }
    },
  );

  it('a database that a newer program has written is refused, and left as it is', async () => {
    const site = await newSite();
    const database = await site.open();
    const newer = MIGRATIONS.length + 1;
    await database.query('UPDATE pansegnet.schema_version SET version = version + 1');
    await database.close();
    await expect(site.open()).rejects.toMatchObject({
      code: 'DATABASE_NEWER',
      message: expect.stringContaining(`schema version ${newer}, this program knows ${MIGRATIONS.length}`),
    });
    await site.load(`DO $$ BEGIN
      ASSERT (SELECT version FROM pansegnet.schema_version) = ${newer};
    END $$`);
    await site.remove();
  });
}
