import { afterEach, beforeEach, expect, it } from 'vitest';
import { balanceOf, exactlyOnce } from '../support/exactly-once.ts';
import { type KillRun, type KillRunResult, killRun } from '../support/kill-run.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';

const MANY = { studies: 40, kills: 60 };

/**
 * Another each time; printed, so that a run that failed can be repeated:
 * `KILLS_SEED=4711 npm run test:kills`.
 */
const SEED = Number(process.env['KILLS_SEED'] ?? Date.now() % 100_000);

describeWith(['Orthanc', 'postgresql'], `killed ${MANY.kills} times (seed ${SEED})`, () => {
  let orthanc: OrthancServer;
  // One for each: an archive that is polled has no other studies.
  beforeEach(async () => {
    orthanc = await startOrthanc();
  });
  afterEach(() => orthanc?.stop());

  async function run(layout: string, how: Pick<KillRun, 'seed' | 'databaseUrl'>): Promise<KillRunResult> {
    const started = performance.now();
    const result = await killRun({ ...MANY, ...how, archiveUrl: orthanc.url });
    const seconds = (performance.now() - started) / 1000;
    console.log(`${layout}, seed ${how.seed}, ${seconds.toFixed(0)} s: ${describe(result)}`);
    return result;
  }

  it('one process on the embedded database leaves each result exactly once', async () => {
    const result = await run('embedded', { seed: SEED });
    expect(balanceOf(result)).toEqual(exactlyOnce(MANY.studies));
  });

  it('a gateway and two workers on a PostgreSQL server leave each result exactly once', async () => {
    const server = await startPostgres();
    try {
      const databaseUrl = await server.newDatabase();
      const result = await run('PostgreSQL', { seed: SEED + 1, databaseUrl });
      expect(balanceOf(result)).toEqual(exactlyOnce(MANY.studies));
    } finally {
      await server.stop();
    }
  });
});

function describe({ segmentations, reports, history, kills }: KillRunResult): string {
  const total = (of: ReadonlyMap<string, readonly string[]>): number => [...of.values()].flat().length;
  const stored = `${total(segmentations)} SEGs, ${total(reports)} reports, ${history.length} rows of history`;
  return `${stored} after ${kills.starting} kills during the start and ${kills.running} during the work`;
}
