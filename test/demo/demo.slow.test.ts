import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { syntheticStudies } from '../../src/demo/studies.ts';
import { describeWith } from '../support/requires.ts';
import { validatorFindings } from '../support/validators.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/**
 * A line of the demo: `study, series: pancreas 70.1 ml (true: 71.0 ml), Dice 0.912, -11.8 % since the first`.
 */
const RESULT =
  /^(.+): pancreas ([\d.]+) ml \(true: ([\d.]+) ml\), Dice ([\d.]+)(?:, ([+-][\d.]+) % since the first)?$/;

interface Line {
  readonly series: string;
  readonly volume: number;
  readonly truth: number;
  readonly dice: number;
  readonly change: number | undefined;
}

function parsed(line: string): Line[] {
  const match = RESULT.exec(line);
  if (!match) return [];
  const [, series = '', volume, truth, dice, change] = match;
  const numbers = { volume: Number(volume), truth: Number(truth), dice: Number(dice) };
  return [{ series, ...numbers, change: change === undefined ? undefined : Number(change) }];
}

describeWith(['dciodvfy', 'java'], 'the demo', () => {
  let output: string;
  let lines: Line[];

  beforeAll(async () => {
    output = await mkdtemp(path.join(tmpdir(), 'demo-test-'));
    const args = ['src/cli.ts', 'demo', '--once', '--output', output];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    lines = stdout.split('\n').flatMap(parsed);
  }, 600_000);
  afterAll(() => rm(output, { recursive: true, force: true }));

  it('finds the pancreas in every suitable series: Dice at least 0.9, volume within 10 %', () => {
    const suitable = syntheticStudies().flatMap(({ series }) => series.filter(({ kind }) => kind !== 'NONE'));
    expect(lines).toHaveLength(suitable.length);
    for (const { series, volume, truth, dice } of lines) {
      expect(dice, series).toBeGreaterThanOrEqual(0.9);
      expect(Math.abs(volume / truth - 1), series).toBeLessThanOrEqual(0.1);
    }
  });

  it("shows the fall of 12 % in the second CT's report, and no change where there is no past", () => {
    const changes = lines.map(({ change }) => change).filter((change) => change !== undefined);
    expect(changes).toHaveLength(1);
    expect(changes[0]).toBeGreaterThanOrEqual(-13.5);
    expect(changes[0]).toBeLessThanOrEqual(-10.5);
  });

  it('leaves SEG and SR of each, in which the validators find nothing, marked as a synthetic demo', async () => {
    const files = await readdir(output);
    expect(files.filter((name) => name.endsWith('.seg.dcm'))).toHaveLength(lines.length);
    expect(files.filter((name) => name.endsWith('.sr.dcm'))).toHaveLength(lines.length);
    for (const kind of ['.seg.dcm', '.sr.dcm']) {
      const ofKind = files.filter((name) => name.endsWith(kind));
      const bytes = await Promise.all(ofKind.map((name) => readFile(path.join(output, name))));
      expect(
        await validatorFindings(
          Object.fromEntries(ofKind.map((name, index) => [name, bytes[index] ?? Buffer.alloc(0)])),
        ),
      ).toEqual([]);
      for (const content of bytes) expect(content.includes('synthetic demo, not for patients')).toBe(true);
    }
  });
});
