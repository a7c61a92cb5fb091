import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { block, evaluationFolder, writeVoxels } from '../support/evaluation-cases.ts';
import { runCli } from '../support/run-cli.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CASES = 8;
/** So many cases are finished when the process is killed. */
const BEFORE_KILL = 3;

const at = evaluationFolder();
afterAll(() => rmSync(at(''), { recursive: true }));

const words = (output: string) => {
  const options = { labels: at('labels'), predictions: at('predictions'), output: at(output), parallel: '1' };
  return ['evaluate', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])];
};

/** Starts an evaluation, and kills it without warning when enough cases are finished. */
async function killedOnTheWay(): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, ['src/cli.ts', ...words('killed')], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  if (!child.stderr) throw new Error('the process has no stderr');
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    if (line.startsWith(`${BEFORE_KILL} of ${CASES}`)) child.kill('SIGKILL');
  }
  const [, signal] = await ended;
  expect(signal).toBe('SIGKILL');
  return lines;
}

const recordTimes = () => {
  const folder = at('killed/internal/records');
  const records = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(records.map((file) => [file, statSync(path.join(folder, file)).mtimeMs]));
};

describe('an evaluation that is killed in the middle', () => {
  beforeAll(async () => {
    for (let i = 0; i < CASES; i++) {
      await writeVoxels(at(`labels/case${i}.nii.gz`), block([4, 4, 2], [14, 12, 8]));
      await writeVoxels(at(`predictions/case${i}.nii.gz`), block([4, 4, 2], [14 - i, 12, 8]));
    }
  });

  it('goes on from there, does no finished case twice, and finds what an undisturbed one does', async () => {
    await killedOnTheWay();
    const finished = recordTimes();
    expect(finished.size).toBeGreaterThanOrEqual(BEFORE_KILL);
    expect(finished.size).toBeLessThan(CASES);

    const again = await runCli(...words('killed'));
    expect(again.code, again.stderr).toBe(0);
    const kept = again.stderr.split('\n').filter((line) => line.endsWith('from the earlier run'));
    expect(kept).toHaveLength(finished.size);
    const times = recordTimes();
    expect(times.size).toBe(CASES);
    for (const [file, time] of finished) expect(times.get(file), file).toBe(time);

    expect((await runCli(...words('undisturbed'))).code).toBe(0);
    const table = (output: string) => readFileSync(at(`${output}/cases.csv`), 'utf8');
    expect(table('killed')).toBe(table('undisturbed'));
    expect(table('killed').trimEnd().split('\r\n')).toHaveLength(1 + CASES);
  });

  it('ends with 1 where a case failed, and with 2 where the command line is wrong', async () => {
    await writeVoxels(at('labels/alone.nii.gz'), block([4, 4, 2], [14, 12, 8]));
    const failed = await runCli(...words('undisturbed'));
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain(`${CASES} of ${CASES + 1} cases`);
    expect(failed.stderr).toContain('alone has no prediction (CASE_INCOMPLETE)');
    for (const wrong of [
      ['--mode', 'slow'],
      ['--model', 'demo-ct'],
      ['--from-archive'],
      ['--pancreas-label', '0'],
    ])
      expect((await runCli(...words('undisturbed'), ...wrong)).code, wrong.join(' ')).toBe(2);
  });
});
