import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { GROUPS, loadCommands } from '../../src/commands/all.ts';
import { runCommandLine } from '../../src/commands/command-line/program.ts';
import { startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import { testLog } from '../support/test-log.ts';

const commands = await loadCommands();
/** What each command that works on a node's database is given here. */
const GIVEN: Readonly<Record<string, readonly string[]>> = {
  process: ['--study', '1.2.3'],
  history: [],
  'history backfill': ['--since', '2020-01-01'],
  'history remeasure': ['--model', 'pansegnet-ct'],
  'models promote': ['pansegnet-ct'],
  'results resend': ['--exit', 'fhir'],
  'history rebuild': [],
  'queue list': [],
  'queue requeue': ['--all'],
  'queue drop': ['--all'],
  'queue pause': [],
  'queue drain': [],
  'queue resume': [],
  'results withdraw': ['--report', '1.2.3', '--reason', 'quality'],
  'opt-out add': ['--patient', '4711'],
  'opt-out remove': ['--patient', '4711'],
  'opt-out list': [],
  'patient erase': ['--patient', '0'.repeat(32), '--yes'],
  'results collect': ['--output', '/nowhere'],
};
const SOMEBODY = 65_534;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wrong-node-'));
  file = path.join(folder, 'site.yaml');
  await write({});
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await rm(folder, { recursive: true, force: true });
});

const inData = (name: string) => path.join(folder, 'data', name);
const write = (database: object) =>
  writeFile(
    file,
    stringify({
      archive: { folder: inData('archive') },
      database: { folder: inData('database'), ...database },
      intake: { spoolFolder: inData('spool') },
      audit: { folder: inData('audit') },
      auth: { tokensFile: inData('tokens.json') },
      log: testLog('wrong-node'),
    }),
  );

async function run(...words: string[]): Promise<{ code: number | string; out: string; err: string }> {
  const [out, err] = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
  for (const stream of [out, err]) stream.mockClear().mockReturnValue(true);
  process.exitCode = undefined;
  await runCommandLine({ commands, groups: GROUPS }, [...words, '--config', file]);
  const said = (stream: typeof out) => stream.mock.calls.map(([chunk]) => chunk).join('');
  return { code: process.exitCode ?? 0, out: said(out), err: said(err) };
}

describe('where there is no database', () => {
  it('every command that works on one names the place that it looked in, and makes nothing', async () => {
    // `models list` answers without one: what is installed stands in the models' folder.
    const names = commands
      .filter(({ runs, name }) => runs === 'in-node' && name !== 'models list')
      .map(({ name }) => name);
    expect(Object.keys(GIVEN).toSorted()).toEqual(names.toSorted());
    for (const [name, given] of Object.entries(GIVEN)) {
      const { code, out, err } = await run(...name.split(' '), ...given);
      expect([name, code, out]).toEqual([name, 1, '']);
      expect(err).toContain(`there is no node's database in the folder ${inData('database')}`);
      expect(err).toContain('--config');
    }
    expect(await readdir(folder)).toEqual(['site.yaml']);
  });

  it('the folder that the command was called in is named, for paths of the configuration start there', async () => {
    const root = path.resolve(import.meta.dirname, '../..');
    await writeFile(file, stringify({ database: { folder: 'no/such/folder' } }));
    const { code, stderr } = await runCli('queue', 'list', '--config', file);
    expect(code).toBe(1);
    expect(stderr).toContain(path.join(root, 'no/such/folder'));
  });

  it('a history whose database is lost is rebuilt into a new one where that is asked for', async () => {
    expect((await run('history', 'rebuild')).code).toBe(1);
    expect(await run('history', 'rebuild', '--new')).toMatchObject({ code: 0 });
    expect(await run('queue', 'list')).toMatchObject({ code: 0, out: expect.stringContaining('0 waiting') });
    // Damaged, it says so, and where a whole one comes from.
    await writeFile(path.join(inData('database'), 'data/global/pg_control'), '');
    const damaged = await run('queue', 'list');
    expect(damaged).toMatchObject({ code: 1, err: expect.stringContaining('its files are damaged') });
    expect(damaged.err).toContain('Backup and restore');
  });
});

describeWith(['postgresql'], 'on a PostgreSQL server without the tables of a node', () => {
  it('a command is refused, and makes none', async () => {
    const server = await startPostgres();
    try {
      await write({ url: await server.newDatabase() });
      const refused = await run('opt-out', 'add', '--patient', '4711');
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('the PostgreSQL server') });
      expect((await run('history', 'rebuild', '--new')).code).toBe(0);
      expect((await run('opt-out', 'add', '--patient', '4711')).code).toBe(0);
    } finally {
      await server.stop();
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)('run as root on data of another user', () => {
  it.each([
    ['queue list', []],
    ['opt-out add', ['--patient', '4711']],
    ['history rebuild', ['--new']],
    ['token add', ['me', '--role', 'operator']],
    ['serve', []],
  ])('%s is refused, and leaves no file', async (name, given) => {
    await mkdir(inData('database'), { recursive: true });
    await chown(inData(''), SOMEBODY, SOMEBODY);
    await chown(inData('database'), SOMEBODY, SOMEBODY);
    const { code, err } = await run(...name.split(' '), ...given);
    expect(code).toBe(1);
    expect(err).toContain(`belongs to the user with the number ${SOMEBODY}, and this runs as root`);
    expect(err).toContain('runuser');
    expect(await readdir(inData(''), { recursive: true })).toEqual(['database']);
  });
});
