import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openNetwork } from '../../src/segmentation/inference/network.ts';
import { SIGN_MODEL, signNetwork } from '../support/tiny-onnx.ts';

const { patchSize } = SIGN_MODEL;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'session-'));
  file = path.join(folder, 'fold_0.onnx');
  await writeFile(file, signNetwork(patchSize));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('opening a network', () => {
  test('says where it runs', async () => {
    const network = await openNetwork(file, patchSize, 1);
    expect(network.executionProvider).toBe('cpu');
    await network.release();
  });

  // A machine that has one of them has nothing to warn of.
  test.each(['webgpu', 'cuda', 'coreml', 'dml'] as const)(
    'takes the next execution provider where one is not there, with a warning: %s',
    async (provider) => {
      const warnings: string[] = [];
      const network = await openNetwork(file, patchSize, 1, {
        executionProviders: [provider, 'cpu'],
        onWarning: (warning) => warnings.push(warning),
      });
      const expected =
        network.executionProvider === provider ? [] : [`'${provider}' can't be used, trying 'cpu': `];
      expect(warnings).toEqual(expected.map((start) => expect.stringContaining(start)));
      expect(warnings.join('')).not.toMatch(/\n|onnxruntime_src/);
      await network.release();
    },
  );

  test('says what the binary of this system knows where a provider is not among it', async () => {
    const absent = process.platform === 'win32' ? 'coreml' : 'dml';
    const opening = openNetwork(file, patchSize, 1, { executionProviders: [absent] });
    await expect(opening).rejects.toThrow(/can't be loaded: onnxruntime for \w+ \w+ knows cpu, /);
  });

  test('is refused where none is left, or none was asked for', async () => {
    await writeFile(file, 'no network');
    for (const executionProviders of [['cpu'], []] as const) {
      await expect(openNetwork(file, patchSize, 1, { executionProviders })).rejects.toMatchObject({
        code: 'MODEL_INVALID',
      });
    }
  });
});
