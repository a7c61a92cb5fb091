import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith, programPath, shared } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';

describe('select', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'select-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('ends with 2 where it is told neither or both of a study and a file', async () => {
    for (const args of [[], ['--study', '1.2', '--metadata', 'x.json']]) {
      const { code, stderr } = await runCli('select', ...args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: select: name either a study/);
    }
  });

  it('ends with 1 for a file that holds no studies, and names the place', async () => {
    const file = path.join(folder, 'wrong.json');
    await writeFile(file, '[{ "id": "A", "series": [{ "uid": 7 }] }]');
    const { code, stdout, stderr } = await runCli('select', '--metadata', file);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*wrong\.json[^]*series\[0\]\.uid/);
  });

  describeWith(['python3', 'shared'], 'on the labelled studies', () => {
    it('prints what their own program scores', async () => {
      const labelled = shared('series-selection', 'public.json');
      const { code, stdout, stderr } = await runCli('select', '--metadata', labelled);
      expect(code, stderr).toBe(0);
      const predictions = path.join(folder, 'predictions.json');
      await writeFile(predictions, stdout);
      const program = shared('series-selection', 'score.py');
      const scored = execFileSync(programPath('python3'), [program, labelled, predictions], {
        encoding: 'utf8',
      });
      expect(scored).toMatch(/lenient 19[7-9]\/199[^]*where the modality is present 29\/29 {2}harmful 0/);
    });
  });
});
