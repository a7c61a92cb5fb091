import '../../src/telemetry-off.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model-import/torch/open-checkpoint.ts';
import { networkForGpu } from '../../src/segmentation/gpu/gpu-network.ts';
import { planesOutOf } from '../../src/segmentation/gpu/kernel-planes.ts';
import { readWrittenNetwork } from '../../src/segmentation/gpu/written-network.ts';
import { NETWORKS, nearlyConstant } from '../support/network-forms.ts';
import {
  exampleWindow,
  largestDifference,
  predictOnce,
  writeSyntheticNetwork,
} from '../support/synthetic-network.ts';
import type { SyntheticNetwork } from '../support/synthetic-training.ts';
import { SIGN_MODEL, signNetwork } from '../support/tiny-onnx.ts';

/** What single precision makes of such networks' logits, which are between -10 and 10. */
const TOLERANCE = 5e-5;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gpu-network-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** On the CPU, which every machine has: what counts here is the graph. */
async function logitsOf(bytes: Uint8Array, network: SyntheticNetwork, window: Float32Array) {
  const session = await InferenceSession.create(bytes);
  const results = await session.run({ input: new Tensor('float32', window, [1, 1, ...network.patchSize]) });
  await session.release();
  const logits = results['logits']?.data;
  if (!(logits instanceof Float32Array)) throw new Error('no logits');
  return logits;
}

/** The largest takes half a minute to be written. */
const SMALL = Object.entries(NETWORKS).filter(([, { attention }]) => (attention?.dims ?? 0) < 512);

describe("a GPU's network", () => {
  test.each(SMALL)("gives the logits of the CPU's: %s", async (_name, network) => {
    const { file } = await writeSyntheticNetwork(folder, network);
    const bytes = await networkForGpu(file, network.patchSize);
    if (!bytes) throw new Error('the file was not recognized');
    for (const window of [exampleWindow(network), nearlyConstant(network)]) {
      const expected = await predictOnce(file, network.patchSize, window);
      expect(largestDifference(await logitsOf(bytes, network, window), expected)).toBeLessThan(TOLERANCE);
    }
  });

  test('has no normalization that onnxruntime computes wrongly, and no transposed convolution', async () => {
    const network = NETWORKS['several tiles along depth'] as SyntheticNetwork;
    const { file } = await writeSyntheticNetwork(folder, network);
    const text = Buffer.from((await networkForGpu(file, network.patchSize)) ?? []).toString('latin1');
    expect(text).toContain('LeakyRelu');
    for (const operator of ['InstanceNormalization', 'ConvTranspose', 'Split']) {
      expect(text).not.toContain(operator);
    }
  });

  test("is made of the checkpoint's weights, to a rounding where the file holds sums of them", async () => {
    const network = NETWORKS['wide levels, whose convolutions go by tiles of slices'] as SyntheticNetwork;
    const { file, checkpoint } = await writeSyntheticNetwork(folder, network);
    const written = await readWrittenNetwork(file);
    const trained = await openCheckpoint(checkpoint);
    const names = [...(written?.weights.shapes.keys() ?? [])].filter((name) => !name.endsWith('conv.bias'));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      expect([name, written?.weights.shapes.get(name)]).toEqual([name, trained.shapes.get(name)]);
      const expected = await trained.read(name);
      const found = (await written?.weights.read(name)) ?? new Float32Array();
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largestDifference(found, expected)).toBeLessThanOrEqual(4e-7 * largest);
    }
    await trained.close();
  });

  test("is not made of a file of another program's, nor of a damaged one", async () => {
    const foreign = path.join(folder, 'foreign.onnx');
    await writeFile(foreign, signNetwork(SIGN_MODEL.patchSize));
    expect(await networkForGpu(foreign, SIGN_MODEL.patchSize)).toBeUndefined();

    const network = NETWORKS['several tiles along depth'] as SyntheticNetwork;
    const { file } = await writeSyntheticNetwork(folder, network);
    await writeFile(file, (await readFile(file)).subarray(0, -1000));
    await expect(networkForGpu(file, network.patchSize)).rejects.toThrow(/EOF/);
  });
});

describe("a kernel's planes", () => {
  const plane = (...values: number[]) => Float32Array.from(values);
  const found = (combinations: readonly { coefficients: number[]; values: Float32Array }[]) =>
    planesOutOf('kernel', 3, combinations, ({ values }) => values).map((values) => [...values]);

  test('come out of combinations that hold one alone, or two that differ in one', () => {
    expect(
      found([
        { coefficients: [1, 0, 0], values: plane(1, 2) },
        { coefficients: [0.5, 0.5, 0.5], values: plane(6, 12) },
        { coefficients: [0.5, -0.5, 0.5], values: plane(2, 4) },
        { coefficients: [0, 0, 0.25], values: plane(7, 6) },
      ]),
    ).toEqual([
      [1, 2],
      [4, 8],
      [28, 24],
    ]);
  });

  test('that meet no slice are zeros; those that can not be told are refused', () => {
    const middle = { coefficients: [0, 1, 0], values: plane(3) };
    expect(found([middle])).toEqual([[0], [3], [0]]);
    const mixed = { coefficients: [1, 0, 1], values: plane(3) };
    expect(() => found([middle, mixed])).toThrow(/plane 0/);
  });
});
