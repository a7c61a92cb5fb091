import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith, programPath } from '../support/requires.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { TINY, writeSyntheticTraining } from '../support/synthetic-training.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

let folder: string;
const inFolder = (...parts: string[]) => path.join(folder, ...parts);
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'telemetry-'));
  for (const name of ['home', 'tmp', 'series']) await mkdir(inFolder(name));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/**
 * Runs Node as it runs on a site: the library is quiet where `CI` is set.
 * @returns what it left in the home and the temporary folder, and the connections that it tried beyond this
 * machine
 */
async function traced(...args: string[]): Promise<{ left: string[]; called: string[] }> {
  const { CI: _ci, ORT_DISABLE_TELEMETRY: _off, ...inherited } = process.env;
  const env = { ...inherited, HOME: inFolder('home'), TMPDIR: inFolder('tmp') };
  const trace = inFolder('trace');
  const command = ['-f', '-o', trace, '-e', 'trace=connect', process.execPath, ...args];
  await run(programPath('strace'), command, { cwd: ROOT, env });
  const calls = (await readFile(trace, 'utf8')).split('\n').filter((line) => /connect\(.*AF_INET/.test(line));
  const files = await Promise.all(
    ['home', 'tmp'].map((name) => readdir(inFolder(name), { recursive: true, encoding: 'utf8' })),
  );
  return {
    left: files.flat().filter((file) => /Microsoft|onnxruntime|mat-debug|\.ses$/i.test(file)),
    called: calls.filter((line) => !/"127\.|"::1"/.test(line)),
  };
}

describeWith(['strace'], 'the inference library, without CI in the environment', () => {
  it('writes and calls nothing while a series is segmented, in a thread of its own', async () => {
    const model = await writeModel(inFolder('models'), SIGN_MODEL, {
      'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize),
    });
    for (const [index, bytes] of smallCtSeries('2.25.7').entries()) {
      await writeFile(inFolder('series', `${index}.dcm`), bytes);
    }
    const command = ['segment', inFolder('series'), '--series', '2.25.7.1', '--model', model];
    expect(await traced('src/cli.ts', ...command, '--output', inFolder('out'))).toEqual({
      left: [],
      called: [],
    });
    expect(await readdir(inFolder('out'))).toContain('seg.dcm');
  });

  it('writes and calls nothing while a model is imported, which runs its self-test', async () => {
    const training = await writeSyntheticTraining(inFolder('training'), TINY, { seed: 1, momentum: false });
    const command = ['models', 'import', training, '--name', 'tiny', '--modality', 'CT'];
    expect(await traced('src/cli.ts', ...command, '--output', inFolder('tiny'))).toEqual({
      left: [],
      called: [],
    });
    expect(await readdir(inFolder('tiny'))).toContain('fold_0.onnx');
  });

  it('does write to the home where nobody turned its telemetry off, which these tests see', async () => {
    await writeFile(inFolder('bare.onnx'), signNetwork([4, 4, 4]));
    const program = `
      const { InferenceSession } = await import('onnxruntime-node');
      await InferenceSession.create(${JSON.stringify(inFolder('bare.onnx'))});`;
    expect((await traced('--input-type=module', '--eval', program)).left).not.toEqual([]);
  });
});
