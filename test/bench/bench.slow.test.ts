import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { isWhole } from '../support/whole.ts';

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

/** Those that start servers and nodes take minutes. */
const SHORT = ['preprocessing', 'export', 'seg', 'watch', 'pages', 'import', 'forward'] as const;

it('the benchmark runs its parts; small sizes, whose figures mean nothing', async () => {
  const names = isWhole ? (Object.keys(PARTS) as (keyof typeof PARTS)[]) : SHORT;
  const parts = ['bench/bench.ts', '--quick', ...names];
  const { stdout } = await promisify(execFile)(process.execPath, parts, { cwd: ROOT });
  for (const name of names) expect(stdout).toMatch(new RegExp(`^${PARTS[name]}`, 'm'));
});
