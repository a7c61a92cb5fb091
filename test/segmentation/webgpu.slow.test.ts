import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { importModel } from '../../src/model-import/import-model.ts';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import type { Model } from '../../src/segmentation/model/model-folder.ts';
import { GraphBuilder } from '../../src/segmentation/onnx/graph.ts';
import { concat, split } from '../../src/segmentation/onnx/operators.ts';
import { modelBytes } from '../../src/segmentation/onnx/write-model.ts';
import { nearlyConstant } from '../support/network-forms.ts';
import { niftiFile } from '../support/nifti-file.ts';
import { readNpy } from '../support/npy.ts';
import { describeWith, shared } from '../support/requires.ts';
import { type Ended, runCliIn, runProgram } from '../support/run-cli.ts';
import { describeOnSwiftShader, NO_ADAPTER, SWIFTSHADER } from '../support/swiftshader.ts';
import { exampleWindow, largestDifference, predictOnce } from '../support/synthetic-network.ts';
import { TINY, writeSyntheticTraining } from '../support/synthetic-training.ts';

/** Promised; found were less than 1e-4. */
const LOGITS_TOLERANCE = 1e-3;

const answersProgram = fileURLToPath(new URL('../support/network-answers.ts', import.meta.url));
const answerSchema = z.object({ opened: z.string(), ended: z.string(), warnings: z.array(z.string()) });

let folder: string;
let model: Model;
let image: string;
const inFolder = (...parts: string[]) => path.join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'webgpu-'));
  model = await trainedModel('tiny', ['fold_0']);
  const [nz, ny, nx] = TINY.patchSize;
  const values = Array.from(exampleWindow(TINY), (value) => Math.round(100 * value));
  image = inFolder('image.nii');
  await writeFile(image, niftiFile({ dims: [nx, ny, nz], pixdim: [1, 0.8, 0.8, 2.5], values }));
  await config('webgpu', ['webgpu']);
  await config('webgpu-cpu', ['webgpu', 'cpu']);
  await config('cpu', ['cpu']);
});
afterAll(() => rm(folder, { recursive: true }));

async function trainedModel(name: string, folds: readonly string[]): Promise<Model> {
  const source = await writeSyntheticTraining(inFolder('trained', name), TINY, { folds });
  return importModel({ source, name, modality: 'CT', output: inFolder(name) });
}

const config = (name: string, executionProviders: readonly string[]) =>
  writeFile(inFolder(`${name}.yaml`), JSON.stringify({ inference: { executionProviders } }));

/** What a network says to windows on WebGPU alone, or with the CPU after it. */
async function answersOf(
  file: string,
  patchSize: readonly number[],
  windows: readonly Float32Array[],
  executionProviders: readonly string[] = ['webgpu'],
) {
  const files = await Promise.all(
    windows.map(async (window, index) => {
      const target = inFolder(`window-${index}.f32`);
      await writeFile(target, new Uint8Array(window.slice().buffer));
      return target;
    }),
  );
  const answers = inFolder('answers.f32');
  const request = { file, patchSize, executionProviders, windows: files, answers };
  const { code, stdout, stderr } = await runProgram(answersProgram, SWIFTSHADER, JSON.stringify(request));
  expect(code, stderr).toBe(0);
  const logits = new Float32Array(new Uint8Array(await readFile(answers)).buffer);
  const length = logits.length / windows.length;
  return {
    ...answerSchema.parse(JSON.parse(stdout)),
    logits: windows.map((_, index) => logits.subarray(index * length, (index + 1) * length)),
  };
}

async function segmented(
  output: string,
  configuration: string,
  environment: NodeJS.ProcessEnv,
  from: string = model.folder,
): Promise<{ readonly ended: Ended; readonly mask: readonly number[] }> {
  const options = ['--model', from, '--output', inFolder(output), '--mode', 'exact'];
  const ended = await runCliIn(
    environment,
    'segment',
    image,
    ...options,
    '--config',
    inFolder(`${configuration}.yaml`),
  );
  expect(ended.code, ended.stderr).toBe(0);
  const { volume } = await readNifti(inFolder(output, 'seg.nii.gz'));
  return { ended, mask: [...volume.voxels] };
}

const warningsOf = ({ stderr }: Ended) => stderr.split('\n').filter((line) => line.startsWith('warning: '));

describeOnSwiftShader('a network on WebGPU', () => {
  test("gives the CPU's logits, also where a window's voxels are nearly the same", async () => {
    const windows = [exampleWindow(TINY), nearlyConstant(TINY), exampleWindow(TINY).fill(-3)];
    const file = model.networks[0] ?? '';
    const { opened, ended, warnings, logits } = await answersOf(file, TINY.patchSize, windows);
    expect({ opened, ended, warnings }).toEqual({ opened: 'webgpu', ended: 'webgpu', warnings: [] });
    for (const [index, window] of windows.entries()) {
      const expected = await predictOnce(file, TINY.patchSize, window);
      expect(largestDifference(logits[index] ?? window, expected)).toBeLessThan(LOGITS_TOLERANCE);
    }
  });

  test('is verified against what the CPU answered at import', async () => {
    const configuration = ['--config', inFolder('webgpu.yaml')];
    const verified = await runCliIn(SWIFTSHADER, 'models', 'verify', model.folder, ...configuration);
    expect(verified.code, verified.stderr).toBe(0);
    expect(verified.stdout).toMatch(/fold_0\.onnx: hash right, on webgpu, .*self-test passed/);
  });

  test("segments a whole image with the CPU's mask but for a voxel in 10,000", async () => {
    const onCpu = await segmented('cpu', 'cpu', {});
    const onGpu = await segmented('gpu', 'webgpu', SWIFTSHADER);
    const inside = onCpu.mask.filter((label) => label === 1).length;
    expect(inside).toBeGreaterThan(0);
    expect(inside).toBeLessThan(onCpu.mask.length);
    const others = onCpu.mask.filter((label, index) => label !== onGpu.mask[index]).length;
    expect(others).toBeLessThanOrEqual(onCpu.mask.length / 10_000);
  });

  test('gives way to the CPU, with a warning, where it answers the self-test otherwise', async () => {
    const { selfTest } = model.info;
    const logits = Object.fromEntries(
      Object.entries(selfTest?.logits ?? {}).map(([name, values]) => [name, values.map((value) => -value)]),
    );
    const other = inFolder('other');
    const changed = { ...model.info, selfTest: { seed: selfTest?.seed, logits } };
    await copyModel(other, JSON.stringify(changed));
    const { ended, mask } = await segmented('wrong', 'webgpu-cpu', SWIFTSHADER, other);
    expect(warningsOf(ended)[0]).toMatch(/^warning: 'webgpu' can't be used, trying 'cpu': .*self-test/);
    expect(mask).toEqual((await segmented('cpu', 'cpu', {})).mask);
  });

  test('gives way to the CPU, with a warning, where it fails in the middle of its work', async () => {
    // The provider takes this graph when it is loaded and cannot run it.
    const slices = 16;
    const g = new GraphBuilder();
    const input = g.input('input', [1, 1, slices, 4, 4]);
    const parts = split(g, input, slices, 2).toReversed();
    const graph = g.graph('slices', concat(g, [concat(g, parts, 2), input], 1), 'logits');
    const bytes = Buffer.from(await modelBytes(graph));
    bytes.write('somebody-else', bytes.indexOf('pansegnet-node'));
    const file = inFolder('slices.onnx');
    await writeFile(file, bytes);
    const window = new Float32Array(slices * 16).map((_, index) => index);
    const { opened, ended, warnings, logits } = await answersOf(
      file,
      [slices, 4, 4],
      [window],
      ['webgpu', 'cpu'],
    );
    expect({ opened, ended }).toEqual({ opened: 'webgpu', ended: 'cpu' });
    expect(warnings).toEqual([expect.stringMatching(/^'webgpu' failed, going on with 'cpu': /)]);
    expect(logits[0]?.[0]).toBe((slices - 1) * 16);
  });
});

async function copyModel(target: string, info: string): Promise<void> {
  await cp(model.folder, target, { recursive: true });
  await writeFile(path.join(target, 'model.json'), info);
}

describe('where there is no adapter', () => {
  test('an image is segmented on the CPU, with one warning for all folds', async () => {
    const { folder: from } = await trainedModel('two', ['fold_0', 'fold_1']);
    const { ended, mask } = await segmented('without', 'webgpu-cpu', NO_ADAPTER, from);
    expect(warningsOf(ended)).toEqual([
      expect.stringMatching(/^warning: 'webgpu' can't be used, trying 'cpu': .*adapter/),
    ]);
    expect(mask).toEqual((await segmented('on-cpu', 'cpu', {}, from)).mask);
  });

  test('an image is refused where the CPU is not allowed', async () => {
    const options = ['--model', model.folder, '--output', inFolder('refused')];
    const ended = await runCliIn(
      NO_ADAPTER,
      'segment',
      image,
      ...options,
      '--config',
      inFolder('webgpu.yaml'),
    );
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/can't be loaded: .*adapter/);
  });
});

describeWith(['shared'], 'a network of the reference', () => {
  describeOnSwiftShader('on WebGPU', () => {
    test("gives the original's logits", async () => {
      const source = shared('reference', 'models', 'Task111_PancreasT2');
      const output = inFolder('reference');
      const { networks, info } = await importModel({ source, name: 'reference', modality: 'T2W', output });
      const reference = (file: string) => readNpy(shared('reference', 'cases', 'tiny_perm', `${file}.npy`));
      const { data: window } = await reference('patch_in');
      const { data: expected } = await reference('patch_logits');
      const { logits } = await answersOf(networks[0] ?? '', info.patchSize, [window]);
      expect(largestDifference(logits[0] ?? window, expected)).toBeLessThan(LOGITS_TOLERANCE);
    });
  });
});
