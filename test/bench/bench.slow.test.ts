import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What each part is known by in the table. Strangers at the doors and refusals have tests of their own. */
const PARTS = {
  retrieval: 'retrieval',
  dimse: 'C-GET',
  receive: 'receive',
  preprocessing: 'preprocessing',
  export: 'export resampling',
  seg: 'SEG',
  watch: 'watch',
  queue: 'queue',
  pages: 'pages',
  import: 'models import',
  memory: 'peak memory',
  forward: 'forward',
  modes: 'fast',
  gpu: '(?:GPUs found|webgpu|cuda)',
  scale: 'scale',
  end: 'end to end',
} as const;

it('the benchmark runs its parts; small sizes, whose figures mean nothing', async () => {
  const parts = ['bench/bench.ts', '--quick', ...Object.keys(PARTS)];
  const { stdout } = await promisify(execFile)(process.execPath, parts, { cwd: ROOT });
  for (const name of Object.values(PARTS)) expect(stdout).toMatch(new RegExp(`^${name}`, 'm'));
});
