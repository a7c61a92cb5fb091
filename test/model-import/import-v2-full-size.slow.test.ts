import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FULL_SIZE_V2, writeSyntheticV2 } from '../support/synthetic-training-v2.ts';

const MOST_SECONDS = 60;
const MOST_KILOBYTES = 1.5e6;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'full-v2-'));
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

test('a full-size checkpoint of nnU-Net v2 is imported within a minute and 1.5 GB', async () => {
  const trained = await writeSyntheticV2(folder, FULL_SIZE_V2, { momentum: true });
  const { size } = await stat(path.join(trained, 'fold_0', 'checkpoint_final.pth'));
  expect(size).toBeGreaterThan(230e6);
  const program = path.join(import.meta.dirname, '../support/import-measured.ts');
  const output = path.join(folder, 'model');
  const { stdout } = await promisify(execFile)(process.execPath, [program, trained, output]);
  const { seconds, maxRSS } = JSON.parse(stdout);
  expect(await readdir(output)).toContain('model.json');
  expect(seconds).toBeLessThan(MOST_SECONDS);
  expect(maxRSS).toBeLessThan(MOST_KILOBYTES);
}, 300_000);
