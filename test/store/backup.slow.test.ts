import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { postgresProgram, startPostgres } from '../support/postgres.ts';
import { run } from '../support/release.ts';
import { describeWith } from '../support/requires.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';

const [FIRST, SECOND] = ['2.25.992.1', '2.25.992.2'] as const;

let folder: string;
let archive: RunningArchive;
let client: DicomWebClient;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'backup-'));
  archive = await startEmbeddedArchive();
  client = new DicomWebClient({ url: archive.url });
});
afterEach(async () => {
  await archive.stop();
  await rm(folder, { recursive: true });
});

async function start(database: Readonly<Record<string, unknown>>): Promise<PansegnetNode> {
  const overrides = {
    archive: { kind: 'dicomweb', url: archive.url },
    database: { folder: path.join(folder, 'database'), ...database },
    watch: { schedule: '0 0 0 29 2 *', lookBack: 'all', stableForSeconds: 0 },
    models: await writeSmallModels(path.join(folder, 'models')),
    selection: { siteRules: SMALL_SERIES_RULES },
    intake: { spoolFolder: path.join(folder, 'spool') },
    audit: { folder: path.join(folder, 'audit') },
    http: { port: 0 },
    log: { level: 'silent' },
  };
  return startNode(loadConfig({ environment: {}, overrides }));
}

async function process(node: PansegnetNode, study: string): Promise<void> {
  await client.storeVerified(study, smallCtSeries(study));
  const ended = node.studyEnded(study);
  await node.watcher.poll();
  await node.watcher.poll();
  await ended;
}

const volumes = async (node: PansegnetNode) =>
  (await allVolumes(node.database)).map(({ volumeMl, report }) => ({ volumeMl, report }));
const modalities = async (study: string) =>
  (await client.searchSeries(study)).map((series) => text(series, 'Modality') ?? '').sort();

describe('a backup of the embedded database', () => {
  it('is a copy of its folder while the node is stopped; what came after it is processed again, with one SEG', async () => {
    const database = path.join(folder, 'database');
    let node = await start({});
    await process(node, FIRST);
    const kept = await volumes(node);
    await node.stop();
    await cp(database, path.join(folder, 'backup'), { recursive: true });

    node = await start({});
    await process(node, SECOND);
    await node.stop();
    await rename(database, path.join(folder, 'lost'));
    await rename(path.join(folder, 'backup'), database);

    node = await start({});
    try {
      expect(await volumes(node)).toEqual(kept);
      expect((await node.studyDetails(FIRST))?.study.state).toBe('done');
      // The restored node does not know the second study, and does not take the first for news.
      const ended = node.studyEnded(SECOND);
      const looks = [await node.watcher.poll(), await node.watcher.poll()];
      expect(looks.flatMap(({ queued }) => queued)).toEqual([SECOND]);
      await ended;
      expect(await volumes(node)).toHaveLength(2);
      expect(await modalities(FIRST)).toEqual(['CT', 'SEG', 'SR']);
      expect((await modalities(SECOND)).filter((modality) => modality === 'SEG')).toHaveLength(1);
    } finally {
      await node.stop();
    }
  });
});

describeWith(['postgresql'], 'a backup of the PostgreSQL database', () => {
  it('is made by pg_dump beside the running node, and restored into an empty database', async () => {
    const server = await startPostgres();
    try {
      const url = await server.newDatabase();
      const node = await start({ url });
      await process(node, FIRST);
      const kept = await volumes(node);
      const dump = path.join(folder, 'pansegnet.dump');
      run(postgresProgram('pg_dump'), [
        '--format=custom',
        '--schema=pansegnet',
        '--schema=pgboss',
        `--file=${dump}`,
        url,
      ]);
      await node.stop();

      const restored = await server.newDatabase();
      run(postgresProgram('pg_restore'), ['--no-owner', '--exit-on-error', `--dbname=${restored}`, dump]);
      const again = await start({ url: restored });
      try {
        expect(await volumes(again)).toEqual(kept);
        await again.watcher.poll();
        expect((await again.watcher.poll()).queued).toEqual([]);
        await process(again, SECOND);
        expect(await volumes(again)).toHaveLength(2);
      } finally {
        await again.stop();
      }
    } finally {
      await server.stop();
    }
  });
});
