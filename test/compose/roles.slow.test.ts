import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { PATIENCE } from '../support/patience.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';

/** A schedule whose turn does not come: the test polls. */
const NEVER = '0 0 0 29 2 *';
const STUDIES = Array.from({ length: 6 }, (_, place) => `1.2.826.0.1.9.${place}`);

describeWith(['postgresql'], 'two gateways and two workers on one PostgreSQL server', () => {
  let folder: string;
  let server: PostgresServer;
  let archive: RunningArchive;
  let nodes: PansegnetNode[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'roles-'));
    [server, archive] = await Promise.all([startPostgres(), startEmbeddedArchive()]);
    const url = await server.newDatabase();
    const models = await writeSmallModels(path.join(folder, 'models'));
    for (const [place, role] of (['gateway', 'gateway', 'worker', 'worker'] as const).entries()) {
      const overrides = {
        archive: { kind: 'dicomweb', url: archive.url },
        database: { url, folder: path.join(folder, 'none') },
        intake: { spoolFolder: path.join(folder, `spool-${place}`) },
        watch: { schedule: NEVER, lookBack: 'all', stableForSeconds: 0 },
        selection: { siteRules: SMALL_SERIES_RULES },
        models,
        inference: { threads: 1 },
        http: { port: 0 },
        log: { level: 'error' },
      };
      nodes.push(await startNode(loadConfig({ environment: {}, overrides }), { role }));
    }
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    nodes = [];
    await archive?.stop();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('poll the same archive at the same time, and process each study once', async () => {
    const client = new DicomWebClient({ url: archive.url });
    for (const study of STUDIES)
      await client.storeVerified(study, smallCtSeries(study, { PatientID: study }));
    const [first, second] = nodes;
    if (!first || !second) throw new Error('four processes are expected');
    const pollBoth = () => Promise.all([first.watcher.poll(), second.watcher.poll()]);
    // Which of the two says that it queued a study is chance, and where both look at once it may be neither.
    await expect
      .poll(async () => {
        await pollBoth();
        return (await allVolumes(first.database)).length;
      }, PATIENCE)
      .toBe(STUDIES.length);
    const [row] = await first.database.query(
      'SELECT count(*)::int AS runs, max(starts) AS starts FROM pansegnet.run',
    );
    expect(row).toEqual({ runs: STUDIES.length, starts: 1 });
    const { segmentations, reports } = await storedResults(client, STUDIES);
    const counts = [...segmentations.values(), ...reports.values()].map((uids) => uids.length);
    expect(counts).toEqual(Array(2 * STUDIES.length).fill(1));
    await pollBoth();
    const [jobs] = await first.database.query(
      "SELECT count(*)::int AS jobs FROM pgboss.job WHERE name = 'study' AND state <> 'completed'",
    );
    expect(jobs).toEqual({ jobs: 0 });
  });

  it('a worker answers to health checks and metrics alone, a gateway to everything', async () => {
    const [gateway, , worker] = nodes.map(({ url }) => url);
    const statuses = async (url: string | undefined) =>
      Promise.all(
        ['/healthz', '/readyz', '/metrics', '/api/studies', '/'].map(
          async (place) => (await fetch(`${url}${place}`)).status,
        ),
      );
    expect(await statuses(gateway)).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(worker)).toEqual([200, 200, 200, 404, 404]);
  });
});
