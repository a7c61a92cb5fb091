import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importModel } from '../../src/segmentation/checkpoint-import/import-model.ts';
import { readNpy } from '../support/npy.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';
import {
  exampleWindow,
  largestDifference,
  predictOnce,
  writeSyntheticNetwork,
} from '../support/synthetic-network.ts';
import type { SyntheticNetwork } from '../support/synthetic-training.ts';

/** Twice what single precision itself makes of such networks' logits, which are between -5 and 5. */
const TOLERANCE = 5e-5;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'network-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describeWith(['shared'], 'networks of the reference', () => {
  test.each([
    ['ct_aniso', 'Task109_Pancreas', 'CT'],
    ['ct_thin', 'Task109_Pancreas', 'CT'],
    ['tiny_perm', 'Task111_PancreasT2', 'T2W'],
  ] as const)("give the original's logits: %s", async (name, task, modality) => {
    const output = path.join(folder, 'model');
    const model = await importModel({
      source: shared('reference', 'models', task),
      name: 'reference',
      modality,
      output,
    });
    const reference = (file: string) => readNpy(shared('reference', 'cases', name, `${file}.npy`));
    for (const input of name === 'ct_thin' ? ['patch'] : ['patch', 'noise']) {
      const { data: window } = await reference(`${input}_in`);
      const { data: expected } = await reference(`${input}_logits`);
      const logits = await predictOnce(path.join(output, 'fold_0.onnx'), model.info.patchSize, window);
      expect(largestDifference(logits, expected)).toBeLessThan(TOLERANCE);
    }
  });
});

const POOL = [2, 2, 2] as const;
const FLAT_POOL = [1, 2, 2] as const;
const KERNEL = [3, 3, 3] as const;
const FLAT_KERNEL = [1, 3, 3] as const;

/** Together they take every form of convolution that the graph has. */
const NETWORKS: Readonly<Record<string, SyntheticNetwork>> = {
  'a plain U-Net': {
    task: 'Task001_Plain',
    features: [8, 16, 16],
    pools: [FLAT_POOL, POOL],
    kernels: [FLAT_KERNEL, KERNEL, KERNEL],
    patchSize: [8, 16, 24],
  },
  // 8 slices above, 4 in the middle, 2 below: tiles of 4 and of 2.
  'wide levels, whose convolutions go by tiles of slices': {
    task: 'Task002_Wide',
    features: [32, 40, 48],
    pools: [POOL, POOL],
    kernels: [KERNEL, KERNEL, KERNEL],
    patchSize: [8, 12, 16],
    attention: { dims: 64, layers: 2 },
  },
  // 12 and 6 slices: three tiles, so that there is one with neighbours on both sides.
  'several tiles along depth': {
    task: 'Task003_Deep',
    features: [32, 32, 32],
    pools: [FLAT_POOL, POOL],
    kernels: [KERNEL, KERNEL, KERNEL],
    patchSize: [12, 12, 12],
  },
  'an odd number of slices, anisotropic kernels and strides': {
    task: 'Task004_Odd',
    features: [4, 32, 36],
    pools: [FLAT_POOL, [1, 2, 1]],
    kernels: [FLAT_KERNEL, [3, 3, 1], KERNEL],
    patchSize: [5, 12, 10],
    attention: { dims: 16, layers: 1 },
  },
  'a stride of 2 over slices that kernels of 3 overlap, and pooling by 3': {
    task: 'Task005_Strides',
    features: [4, 8, 8],
    pools: [POOL, [3, 1, 2]],
    kernels: [KERNEL, KERNEL, KERNEL],
    patchSize: [12, 8, 8],
  },
  "the original's full transformer": {
    task: 'Task006_Transformer',
    features: [8, 16, 32],
    pools: [FLAT_POOL, POOL],
    kernels: [FLAT_KERNEL, KERNEL, KERNEL],
    patchSize: [8, 32, 32],
    attention: { dims: 512, layers: 8 },
  },
};

describeWith(['torch'], 'a network written from a checkpoint', () => {
  test.each(Object.entries(NETWORKS))("gives PyTorch's logits: %s", async (_, network) => {
    const { checkpoint, file } = await writeSyntheticNetwork(folder, network);
    const window = exampleWindow(network);
    const expected = await torchLogits(network, checkpoint, window);
    const logits = await predictOnce(file, network.patchSize, window);
    expect(largestDifference(logits, expected)).toBeLessThan(TOLERANCE);
  });

  test('keeps its precision where all voxels are nearly the same, far from 0', async () => {
    const network = NETWORKS['a plain U-Net'] as SyntheticNetwork;
    const { checkpoint, file } = await writeSyntheticNetwork(folder, network);
    const window = exampleWindow(network).map((value) => 100 + 0.01 * value);
    const expected = await torchLogits(network, checkpoint, window);
    const logits = await predictOnce(file, network.patchSize, window);
    expect(largestDifference(logits, expected)).toBeLessThan(10 * TOLERANCE);
  });
});

async function torchLogits(
  network: SyntheticNetwork,
  checkpoint: string,
  window: Float32Array<ArrayBuffer>,
): Promise<Float32Array> {
  const input = path.join(folder, 'input.f32');
  const output = path.join(folder, 'logits.f32');
  await writeFile(input, new Uint8Array(window.buffer));
  const { features, pools, kernels, patchSize, attention = null } = network;
  const spec = { checkpoint, features, pools, kernels, patchSize, attention, input, output };
  const program = path.join(import.meta.dirname, '../support/torch-forward.py');
  await promisify(execFile)(programPath('torch'), [program, JSON.stringify(spec)]);
  return new Float32Array(new Uint8Array(await readFile(output)).buffer);
}
