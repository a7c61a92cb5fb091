import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';

describe('commands of an administrator', () => {
  let folder: string;
  let site: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'security-'));
    site = path.join(folder, 'site.yaml');
    const tokensFile = path.join(folder, 'tokens.json');
    await writeFile(
      site,
      `auth: { tokensFile: '${tokensFile}' }\ndatabase: { folder: '${path.join(folder, 'database')}' }\n`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('token add shows a token once; list and revoke know it by its name', async () => {
    const added = await runCli(
      'token',
      'add',
      'CT 2',
      '--role',
      'sender',
      '--expires',
      '90d',
      '--config',
      site,
    );
    expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^pansegnet_[\w-]{43}\n$/) });
    expect(await readFile(path.join(folder, 'tokens.json'), 'utf8')).not.toContain(added.stdout.trim());
    const again = await runCli('token', 'add', 'CT 2', '--role', 'viewer', '--config', site);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('a token "CT 2" already') });
    const late = await runCli(
      'token',
      'add',
      'x',
      '--role',
      'viewer',
      '--expires',
      '2020-01-01',
      '--config',
      site,
    );
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('--expires 2020-01-01') });
    expect((await runCli('token', 'revoke', 'CT 2', '--config', site)).code).toBe(0);
    const listed = await runCli('token', 'list', '--json', '--config', site);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'CT 2', role: 'sender', active: false }]);
    expect(listed.stdout).not.toContain('sha256');
  });

  it('token wants a file to be configured, serve wants authentication beyond loopback: exit code 2', async () => {
    const token = await runCli('token', 'list');
    expect(token).toMatchObject({ code: 2, stderr: expect.stringContaining('auth.tokensFile') });
    const open = path.join(folder, 'open.yaml');
    await writeFile(open, 'http: { host: 0.0.0.0 }');
    const serve = await runCli('serve', '--config', open);
    expect(serve).toMatchObject({ code: 2, stderr: expect.stringMatching(/http\.host: .*authentication/) });
  });

  it('log-identifier says the same for the same UID each time, once there is a key', async () => {
    const early = await runCli('log-identifier', '1.2.3.4', '--config', site);
    expect(early).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no key yet') });
    await appendFile(site, 'log: { key: a key of sixteen characters }\n');
    const [one, two] = [
      await runCli('log-identifier', '1.2.3.4', '--config', site),
      await runCli('log-identifier', '1.2.3.4', '--config', site),
    ];
    expect(one.stdout).toMatch(/^uid:[0-9a-f]{16}\n$/);
    expect(two.stdout).toBe(one.stdout);
  });
});
