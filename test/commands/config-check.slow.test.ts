import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'config-check-'));
});

async function check(yaml: string, ...more: string[]) {
  const file = path.join(folder, 'site.yaml');
  await writeFile(file, yaml);
  return runCli('config', 'check', file, ...more);
}

describe('config check', () => {
  it('says that all is in order, and prints the configuration where it is asked for', async () => {
    expect(await check('watch: { pageSize: 7 }')).toMatchObject({
      code: 0,
      stdout: /site\.yaml is in order\n$/,
    });
    expect((await check('archive: { password: secret }', '--print')).stdout).toMatch(/password: "\*+"/);
  });

  it('refuses what serve would stumble over, each by its key', async () => {
    const { code, stderr } = await check(`
watch: { schedule: 'every minute' }
models: { folder: ${folder}, CT: nowhere }
selection: { rules: ${folder}/none.yaml }
`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/watch\.schedule: 'every minute' is no cron expression/);
    expect(stderr).toMatch(/models\.CT: no model 'nowhere'/);
    expect(stderr).toMatch(/selection: .*none\.yaml/);
  });
});
