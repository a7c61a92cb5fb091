import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packRelease, run } from '../support/release.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const lockOf = z.object({
  packages: z.record(z.string(), z.object({ version: z.string(), dev: z.boolean().optional() })),
});
const bomOf = z.object({ components: z.array(z.object({ name: z.string(), version: z.string() })) });

/** `npm run test:install` does more: a clean Debian, and the whole demo. */
describe('a packed release', () => {
  let folder: string;
  let program: string;
  let release: string;
  /** The registry is away, and nothing of it at hand. */
  const cutOff = () => ({
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: path.join(folder, 'no-cache'),
    npm_config_fetch_retries: '0',
  });
  const install = (command: string, file?: string, env: Readonly<Record<string, string>> = {}) => {
    const places = { DATA_FOLDER: path.join(folder, 'site'), LINK_FOLDER: path.join(folder, 'links') };
    const prefer = { npm_config_prefer_offline: 'true', SITE_FILE: '/nowhere' };
    const script = path.join(ROOT, 'deploy/install.sh');
    const given = [command, ...(file === undefined ? [] : [file]), path.join(folder, 'program')];
    return run('sh', [script, ...given], { env: { ...process.env, ...prefer, ...places, ...env } });
  };
  /** The same program under another version. */
  const releaseAs = async (version: string) => {
    const unpacked = path.join(folder, version);
    await mkdir(unpacked);
    run('tar', ['-xzf', release, '-C', unpacked]);
    const description = path.join(unpacked, 'package/package.json');
    const text = await readFile(description, 'utf8');
    await writeFile(description, text.replace(/"version": ".*"/, `"version": "${version}"`));
    const file = path.join(folder, `${version}.tgz`);
    run('tar', ['-czf', file, '-C', unpacked, 'package']);
    return file;
  };
  const installed = () => readdirSync(path.join(folder, 'program/releases'));
  const node = (...args: string[]) => run(program, args, { cwd: path.join(folder, 'site') });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'release-'));
    await mkdir(path.join(folder, 'site'));
    release = packRelease(folder);
    install('program', release);
    program = path.join(folder, 'links/pansegnet-node');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('holds JavaScript, no sources, no tests and no development tools', () => {
    expect(existsSync(path.join(folder, 'program/current/dist/cli.js'))).toBe(true);
    for (const absent of ['src', 'test', 'node_modules/typescript', 'node_modules/vitest']) {
      expect(existsSync(path.join(folder, 'program/current', absent)), absent).toBe(false);
    }
  });

  it('names every package that it installs, with its licence', async () => {
    const [lock, bom, texts] = await Promise.all(
      ['npm-shrinkwrap.json', 'sbom.cdx.json', 'THIRD-PARTY-LICENSES.txt'].map((file) =>
        readFile(path.join(folder, 'program/current', file), 'utf8'),
      ),
    );
    const used = Object.entries(lockOf.parse(JSON.parse(lock ?? '')).packages)
      .filter(([place, { dev }]) => place !== '' && !dev)
      .map(([place, { version }]) => `${place.split('node_modules/').at(-1)}@${version}`);
    const named = bomOf
      .parse(JSON.parse(bom ?? ''))
      .components.map(({ name, version }) => `${name}@${version}`);
    expect(used.length).toBeGreaterThan(100);
    expect(new Set(named)).toEqual(new Set(used));
    for (const one of used) expect(texts).toContain(`${one.replace(/@([^@]+)$/, ' $1')}: `);
    expect(texts).toContain('onnxruntime-node');
    expect(texts).toMatch(/Permission is hereby granted, free of charge/);
  });

  it('runs commands, and segments in its worker threads', async () => {
    expect(node('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(node('models', 'list')).toBe(`no models in ${path.join(folder, 'site/models')}\n`);
    const model = await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
    const series = path.join(folder, 'series');
    await mkdir(series);
    for (const [index, bytes] of smallCtSeries('2.25.991').entries()) {
      await writeFile(path.join(series, `${index}.dcm`), bytes);
    }
    expect(node('segment', series, '--model', model, '--output', path.join(folder, 'out'))).toMatch(/ ml/);
  });

  it('serves its pages with their assets, and stops when asked', async () => {
    const serving = spawn(program, ['serve'], {
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

  it('is upgraded beside the old one, which goes on where that fails, and goes back with its database', async () => {
    const [old] = installed();
    const next = await releaseAs('99.0.0');
    const before = node('opt-out', 'list');
    expect(() => install('upgrade', next, cutOff())).toThrow(
      /packages could not be fetched; nothing was changed/,
    );
    expect(installed()).toEqual([old]);
    expect(node('--version')).toBe(`${old}\n`);

    install('upgrade', next);
    expect(node('--version')).toBe('99.0.0\n');
    node('opt-out', 'add', '--patient', '4711');
    expect(node('opt-out', 'list')).not.toBe(before);

    install('rollback');
    expect(node('--version')).toBe(`${old}\n`);
    expect(node('opt-out', 'list')).toBe(before);
    expect(installed()).toEqual([old]);
    expect(() => install('rollback')).toThrow(/no earlier release/);
  });
});
