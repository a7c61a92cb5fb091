import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { GROUPS, loadCommands } from '../../src/commands/all.ts';
import { runCommandLine } from '../../src/commands/command-line/program.ts';
import { defineCommand } from '../../src/commands/definition/command.ts';
import { flag } from '../../src/commands/definition/field.ts';
import { commandRoutes } from '../../src/commands/running/command-routes.ts';
import { startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { testLog } from '../support/test-log.ts';

/** A schedule whose turn does not come. */
const NEVER = '0 0 0 29 2 *';

const databases: object[] = [];
const count = defineCommand({
  name: 'queue count',
  help: 'count what waits',
  runs: 'in-node',
  options: z.strictObject({ isStrict: flag('--strict', 'nothing may wait longer than a day') }),
  run: async ({ isStrict }, { database, queue, print, onProgress }) => {
    databases.push(database);
    onProgress({ stage: 'count', subject: 'the queue' });
    if (isStrict) throw new StoreError('STUDY_UNKNOWN', 'something waits');
    print(`${(await (await queue()).counts()).waiting} wait`);
  },
});
const list = { commands: [...(await loadCommands()), count], groups: GROUPS };

let folder: string;
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await rm(folder, { recursive: true, force: true });
});

it('a command that is added to the list works by itself and beside a running node, and fails alike', async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'added-command-'));
  const file = path.join(folder, 'site.yaml');
  const sections = {
    archive: { kind: 'embedded', folder: path.join(folder, 'archive') },
    database: { folder: path.join(folder, 'database') },
    intake: { spoolFolder: path.join(folder, 'spool') },
    audit: { folder: path.join(folder, 'audit') },
    watch: { schedule: NEVER },
    http: { port: 0 },
    log: testLog('added-command'),
  };
  await writeFile(file, stringify(sections));
  const run = async (...words: string[]) => {
    const [out, err] = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    for (const stream of [out, err]) stream.mockClear().mockReturnValue(true);
    process.exitCode = undefined;
    await runCommandLine(list, ['queue', 'count', ...words, '--config', file]);
    const [said, failed] = [out, err].map((stream) => stream.mock.calls.map(([chunk]) => chunk).join(''));
    return { code: process.exitCode ?? 0, said, failed };
  };

  await (await openDatabase(sections.database)).close();
  const alone = [await run(), await run('--strict')];
  const node = await startNode(loadConfig({ environment: {}, overrides: sections }), {
    commandRoutes: (parts) => commandRoutes(async () => list.commands, parts),
  });
  try {
    const beside = [await run(), await run('--strict')];
    expect(databases).toHaveLength(4);
    expect(databases.map((database) => database === node.database)).toEqual([false, false, true, true]);
    expect(beside).toEqual(alone);
  } finally {
    await node.stop();
  }
  expect(alone).toMatchObject([
    { code: 0, said: '0 wait\n', failed: 'count: the queue\n' },
    { code: 1, said: '', failed: expect.stringContaining('error: something waits\n') },
  ]);
});
