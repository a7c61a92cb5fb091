import { fstatSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openSyncedPglite } from '../../src/store/database/synced-pglite.ts';

it('each commit on the embedded database is synced to its log on the disk, and a checkpoint to the tables', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'durability-'));
  const synced: number[] = [];
  const database = await openSyncedPglite(folder, (file) => synced.push(fstatSync(file).ino));
  const filesIn = (part: string): number[] =>
    readdirSync(path.join(folder, part)).map((name) => statSync(path.join(folder, part, name)).ino);
  await database.exec('CREATE TABLE t (a int)');
  for (let turn = 1; turn <= 3; turn++) {
    synced.length = 0;
    await database.query('INSERT INTO t VALUES ($1)', [turn]);
    expect(synced.filter((file) => filesIn('pg_wal').includes(file))).toHaveLength(1);
  }
  synced.length = 0;
  await database.exec('CHECKPOINT');
  const { rows } = await database.query<{ file: string }>("SELECT pg_relation_filepath('t') AS file");
  expect(synced).toContain(statSync(path.join(folder, rows[0]?.file ?? '')).ino);
  await database.close();
  await rm(folder, { recursive: true });
});
