import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadCommands } from '../../src/commands/all.ts';
import { pathName } from '../../src/commands/definition/command.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { runCli } from '../support/run-cli.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';

const COMMANDS = await loadCommands();

const STUDY = '1.2.826.0.1.7.1';
/** Holds no series that the rules know. */
const OTHER_STUDY = '1.2.826.0.1.7.2';
/** A schedule whose turn does not come. */
const NEVER = '0 0 0 29 2 *';

let folder: string;
let file: string;
let archive: RunningArchive;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'beside-node-'));
  file = path.join(folder, 'site.yaml');
  archive = await startEmbeddedArchive();
  const client = new DicomWebClient({ url: archive.url });
  await client.storeVerified(STUDY, smallCtSeries(STUDY));
  await client.storeVerified(OTHER_STUDY, smallCtSeries(OTHER_STUDY, { SeriesDescription: 'scout' }));
  const configuration = {
    archive: { kind: 'dicomweb', url: archive.url },
    database: { folder: path.join(folder, 'database') },
    intake: { spoolFolder: path.join(folder, 'spool') },
    watch: { schedule: NEVER },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: await writeSmallModels(path.join(folder, 'models')),
    inference: { threads: 1 },
    http: { port: 0 },
    log: { level: 'info' },
  };
  await writeFile(file, stringify(configuration));
});
afterAll(async () => {
  await archive?.stop();
  await rm(folder, { recursive: true, force: true });
});

const cli = (...args: string[]) => runCli(...args, '--config', file);

/** What a command prints; a command that fails fails the test. */
async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('commands beside a running node', () => {
  let node: ServeProcess;
  beforeAll(async () => {
    node = serve(file);
    await node.says(/the node is running/);
  });
  afterAll(() => node?.stop());

  it('do their work inside of it: process, history, withdraw, rebuild', async () => {
    expect(await said('process', '--study', STUDY)).toMatch(
      /taken: "abdomen portal venous"[^]*pancreas \d+\.\d ml/,
    );
    const [volume] = JSON.parse(await said('history', '--json'));
    expect(volume).toMatchObject({ studyInstanceUid: STUDY, withdrawn: null });
    expect(await said('history', '--patient', volume.patientKey, '--csv')).toContain(STUDY);
    const { sopInstanceUid } = volume.report;
    expect(await said('results', 'withdraw', '--report', sopInstanceUid, '--reason', 'quality')).toContain(
      'withdrawn',
    );
    expect(await said('history')).toContain(', withdrawn');
    expect(await said('history', 'rebuild')).toContain('1 volumes from 1 reports in 2 studies');
    expect(node.isAlive()).toBe(true);
  });

  it('steer its queue', async () => {
    expect(await said('queue', 'list')).toBe('running: 0 waiting, 0 being worked on, 0 given up\n');
    expect(await said('queue', 'pause')).toContain('paused');
    expect(JSON.parse(await said('queue', 'list', '--json'))).toMatchObject({ mode: 'paused', givenUp: [] });
    expect(await said('queue', 'resume')).toContain('running');
  });

  it('examine it: doctor finds its database in order', async () => {
    const { findings } = JSON.parse((await cli('doctor', '--json')).stdout);
    const ofDatabase = findings.filter(({ check }: { check: string }) => check.startsWith('database'));
    expect(ofDatabase.length).toBeGreaterThan(0);
    expect(ofDatabase.map(({ verdict }: { verdict: string }) => verdict)).not.toContain('problem');
  });

  it('fail as they would by themselves: the same words, the same exit code', async () => {
    const beside = await cli('results', 'withdraw', '--report', '1.2.3', '--reason', 'quality');
    expect(beside.code).toBe(1);
    expect(beside.stderr).toMatch(/^error: the history has no result 1\.2\.3/);
    expect(await cli('queue', 'drop', '1.2.3')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('study 1.2.3 is not among those that were given up'),
    });
  });

  it('know where it is from a file that its user alone can read', async () => {
    const access = path.join(folder, 'database', 'local-access.json');
    expect((await stat(access)).mode & 0o777).toBe(0o600);
    const { url, token } = JSON.parse(await readFile(access, 'utf8'));
    const ask = (authorization: string) =>
      fetch(`${url}/api/commands/no-such-command`, {
        method: 'POST',
        headers: { Authorization: authorization },
      });
    expect((await ask(`Bearer ${token}`)).status).toBe(404);
  });

  it('are refused by it with 400 where their options are not what the command takes, and only those are known', async () => {
    const { url, token } = JSON.parse(
      await readFile(path.join(folder, 'database', 'local-access.json'), 'utf8'),
    );
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const answered: (readonly [string, string, number])[] = [];
    for (const command of COMMANDS) {
      for (const body of ['[]', '{"unknown":1}', '{"__proto__":{"all":true}}', '{']) {
        const address = `${url}/api/commands/${pathName(command)}`;
        const { status } = await fetch(address, { method: 'POST', headers, body });
        answered.push([command.runs, body, status]);
      }
    }
    const expected = (runs: string, body: string) => (runs === 'in-node' || body === '{' ? 400 : 404);
    expect(answered.filter(([runs, body, status]) => status !== expected(runs, body))).toEqual([]);
    expect(answered.filter(([, , status]) => status === 400).length).toBeGreaterThan(10 * 4);
  });

  it('are no second node: that is refused with the pid of the first, which goes on', async () => {
    const second = await cli('serve');
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`in use by process ${node.pid} `));
    expect(await said('queue', 'list')).toContain('0 waiting');
  });
});

describe('the same commands where no node runs', () => {
  it('take the database themselves, and find what the node left', async () => {
    expect(await said('history')).toContain(', withdrawn');
    expect(await said('process', '--study', OTHER_STUDY)).toContain('left: "scout"');
    expect(await said('queue', 'list')).toContain('running: 0 waiting');
  });
});

describe('roles', () => {
  it.each(['gateway', 'worker'])('%s is refused without database.url, with what to do', async (role) => {
    const { code, stderr } = await cli('serve', '--role', role);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `serve --role ${role}: gateway and workers share a PostgreSQL server: set database.url`,
    );
  });
});
