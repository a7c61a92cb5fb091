import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

it('the benchmark runs every part; small sizes, whose figures mean nothing', async () => {
  const run = promisify(execFile)(process.execPath, ['bench/bench.ts', '--quick'], { cwd: ROOT });
  const { stdout } = await run;
  for (const part of [
    'preprocessing',
    'export resampling',
    'SEG',
    'receive',
    'watch',
    'queue',
    'models import',
    'peak memory',
    'forward',
    'fast',
    'quick',
    '(?:GPUs found|webgpu|cuda)',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${part}`, 'm'));
  }
});
