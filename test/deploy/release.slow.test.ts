import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packRelease, run } from '../support/release.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

/** `npm run test:install` does more: a clean Debian, and the whole demo. */
describe('a packed release', () => {
  let folder: string;
  let program: string;
  const node = (...args: string[]) =>
    run(process.execPath, [program, ...args], { cwd: path.join(folder, 'site') });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'release-'));
    const installed = path.join(folder, 'program');
    await mkdir(installed);
    await mkdir(path.join(folder, 'site'));
    run('tar', ['-xzf', packRelease(folder), '--strip-components=1', '-C', installed]);
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    run('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: installed, env });
    program = path.join(installed, 'bin/pansegnet-node.js');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('holds JavaScript, no sources, no tests and no development tools', () => {
    expect(existsSync(path.join(folder, 'program/dist/cli.js'))).toBe(true);
    for (const absent of ['src', 'test', 'node_modules/typescript', 'node_modules/vitest']) {
      expect(existsSync(path.join(folder, 'program', absent)), absent).toBe(false);
    }
  });

  it('runs commands, and segments in its worker threads', async () => {
    expect(node('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(node('models', 'list')).toBe('no models in models\n');
    const model = await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
    const series = path.join(folder, 'series');
    await mkdir(series);
    for (const [index, bytes] of smallCtSeries('2.25.991').entries()) {
      await writeFile(path.join(series, `${index}.dcm`), bytes);
    }
    expect(node('segment', series, '--model', model, '--output', path.join(folder, 'out'))).toMatch(/ ml/);
  });

  it('serves its pages with their assets, and stops when asked', async () => {
    const serving = spawn(process.execPath, [program, 'serve'], {
      cwd: path.join(folder, 'site'),
      env: { ...process.env, PANSEGNET_HTTP_PORT: '0' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(serving, 'exit');
    let url: string | undefined;
    for await (const line of createInterface({ input: serving.stderr })) {
      url = /"url":"([^"]+)"/.exec(line)?.[1];
      if (url) break;
    }
    serving.stderr.resume();
    const page = await fetch(`${url}/`);
    expect(page.status).toBe(200);
    const links = [...(await page.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(
      ([, link]) => link,
    );
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect((await fetch(`${url}${link}`)).status, link).toBe(200);
    serving.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
