import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { backUpDatabase, restoreDatabase } from '../../src/store/database/backup.ts';
import { type LastingPlace, openDatabase } from '../../src/store/database/database.ts';
import { inspectDatabase } from '../../src/store/database/inspect.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { postgresProgram, startPostgres } from '../support/postgres.ts';
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

async function processStudy(node: PansegnetNode, study: string): Promise<void> {
  await client.storeVerified(study, smallCtSeries(study));
  const ended = node.studyEnded(study);
  await node.watcher.poll();
  await node.watcher.poll();
  await ended;
}

async function withDatabase<T>(place: LastingPlace, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(place);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

const volumes = async (node: PansegnetNode) =>
  (await allVolumes(node.database)).map(({ volumeMl, report }) => ({ volumeMl, report }));
const modalities = async (study: string) =>
  (await client.searchSeries(study)).map((series) => text(series, 'Modality') ?? '').sort();

describe('a backup of the embedded database', () => {
  it('is made while the node is stopped; what came after it is processed again, with one SEG', async () => {
    const database = path.join(folder, 'database');
    let node = await start({});
    await processStudy(node, FIRST);
    const kept = await volumes(node);
    await node.stop();
    const backup = path.join(folder, 'backups/first');
    await backUpDatabase({ folder: database }, backup);
    await expect(backUpDatabase({ folder: database }, backup)).rejects.toThrow(/is there already/);

    node = await start({});
    await processStudy(node, SECOND);
    await expect(restoreDatabase({ folder: database }, backup, new Date())).rejects.toThrow(/in use/);
    await node.stop();
    await expect(restoreDatabase({ folder: database }, import.meta.filename, new Date())).rejects.toThrow(
      /is no backup/,
    );
    const aside = await restoreDatabase({ folder: database }, backup, new Date());
    expect(existsSync(path.join(aside ?? '', 'PG_VERSION'))).toBe(true);

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

/** Ends the process by SIGKILL when it renames for the second time: what was there is aside, nothing in its place. */
const KILLED_BETWEEN = `
  import { syncBuiltinESMExports } from 'node:module';
  import fs from 'node:fs/promises';
  const { rename } = fs;
  let renamed = 0;
  fs.rename = (...paths) => (++renamed === 2 ? process.kill(process.pid, 'SIGKILL') : rename(...paths));
  syncBuiltinESMExports();
`;

describe('a restore of the embedded database that is killed between its steps', () => {
  it('leaves a node that does not start empty and says what to do; either way it goes on as before', async () => {
    const database = path.join(folder, 'database');
    const node = await start({});
    await processStudy(node, FIRST);
    const kept = await volumes(node);
    await node.stop();
    const backup = path.join(folder, 'first');
    await backUpDatabase({ folder: database }, backup);
    const site = path.join(folder, 'site.yaml');
    await writeFile(site, `database:\n  folder: ${database}\n`);
    const killedRestore = () =>
      spawnSync(
        process.execPath,
        [
          `--import=data:text/javascript,${encodeURIComponent(KILLED_BETWEEN)}`,
          'src/cli.ts',
          'database',
          'restore',
          backup,
          '--config',
          site,
        ],
        { cwd: path.resolve(import.meta.dirname, '../..'), encoding: 'utf8' },
      ).signal;
    const hasVolumes = async () => {
      const again = await start({});
      expect(await volumes(again)).toEqual(kept);
      await again.stop();
    };

    expect(killedRestore()).toBe('SIGKILL');
    const entries = await readdir(database);
    const [aside = ''] = entries.filter((name) => name.startsWith('data.before-'));
    expect(entries).not.toContain('data');
    const refusal = {
      code: 'DATABASE_ABSENT',
      message: expect.stringContaining(`mv ${path.join(database, aside)}`),
    };
    await expect(start({})).rejects.toMatchObject(refusal);
    await expect(openDatabase({ folder: database }, { mayCreate: false })).rejects.toMatchObject(refusal);
    expect(await inspectDatabase({ folder: database })).toMatchObject({ state: 'absent', aside });
    await rename(path.join(database, aside), path.join(database, 'data'));
    await hasVolumes();

    expect(killedRestore()).toBe('SIGKILL');
    expect(await restoreDatabase({ folder: database }, backup, new Date())).toMatch(/data\.before-/);
    await hasVolumes();
  });
});

describeWith(['postgresql'], 'a backup of the PostgreSQL database', () => {
  it('is made beside the running node; restored, what was there is kept, and what came after is processed again', async () => {
    const server = await startPostgres();
    vi.stubEnv('PATH', `${path.dirname(postgresProgram('pg_dump'))}:${process.env['PATH']}`);
    try {
      const place = { url: await server.newDatabase(), connections: 2 };
      let node = await start({ url: place.url });
      await processStudy(node, FIRST);
      const kept = await volumes(node);
      const dump = path.join(folder, 'pansegnet.dump');
      await backUpDatabase(place, dump);
      await processStudy(node, SECOND);
      await expect(restoreDatabase(place, dump, new Date())).rejects.toThrow(/connections of running nodes/);
      await node.stop();

      await writeFile(path.join(folder, 'torn'), (await readFile(dump)).subarray(0, 20_000));
      await expect(restoreDatabase(place, path.join(folder, 'torn'), new Date())).rejects.toThrow(
        /pg_restore/,
      );
      // Killed when half of the dump is in: the server has undone it all.
      const before = await withDatabase(place, allVolumes);
      const programs = path.join(folder, 'programs');
      await mkdir(programs);
      const half = `${postgresProgram('pg_restore')} "$@" | head -c 20000; kill -9 $PPID`;
      await writeFile(path.join(programs, 'pg_restore'), `#!/bin/sh\n${half}\n`, { mode: 0o755 });
      const site = path.join(folder, 'site.yaml');
      await writeFile(site, `database:\n  url: ${place.url}\n`);
      const killed = spawnSync(
        process.execPath,
        ['src/cli.ts', 'database', 'restore', dump, '--config', site],
        { env: { ...process.env, PATH: `${programs}:${process.env['PATH']}` }, encoding: 'utf8' },
      );
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      expect(await withDatabase(place, allVolumes)).toEqual(before);

      expect(await restoreDatabase(place, dump, new Date())).toMatch(
        /^pansegnet_before_\w+, pgboss_before_\w+$/,
      );
      node = await start({ url: place.url });
      try {
        expect(await volumes(node)).toEqual(kept);
        const ended = node.studyEnded(SECOND);
        const looks = [await node.watcher.poll(), await node.watcher.poll()];
        expect(looks.flatMap(({ queued }) => queued)).toEqual([SECOND]);
        await ended;
        expect(await volumes(node)).toHaveLength(2);
      } finally {
        await node.stop();
      }
      // As a restore of before left it that was cut off.
      await withDatabase(place, (database) =>
        database.query('ALTER SCHEMA pansegnet RENAME TO pansegnet_before_z'),
      );
      const refusal = { code: 'DATABASE_ABSENT', message: expect.stringContaining('pansegnet_before_z') };
      await expect(start({ url: place.url })).rejects.toMatchObject(refusal);
      expect(await inspectDatabase(place)).toMatchObject({ state: 'absent', aside: 'pansegnet_before_z' });
    } finally {
      vi.unstubAllEnvs();
      await server.stop();
    }
  });
});
