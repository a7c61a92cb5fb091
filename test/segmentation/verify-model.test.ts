import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNetwork } from '../../src/segmentation/inference/network.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { compareLogits, SELF_TEST_SEED, selfTestLogits } from '../../src/segmentation/model/self-test.ts';
import { verifyModel } from '../../src/segmentation/verify-model.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const NETWORK = 'fold_0.onnx';

let root: string;
let logits: number[];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'verify-'));
  const { networks, info } = await loadModel(await modelWith(undefined, 'plain'));
  const network = await openNetwork(networks[0] ?? '', info.patchSize, 1);
  logits = await selfTestLogits(network.predict, info.patchSize, SELF_TEST_SEED);
  await network.release();
});
afterAll(() => rm(root, { recursive: true }));

function modelWith(selfTest: ModelInfo['selfTest'], name: string): Promise<string> {
  const info = { ...SIGN_MODEL, name, ...(selfTest && { selfTest }) };
  return writeModel(path.join(root, name), info, { [NETWORK]: signNetwork(SIGN_MODEL.patchSize) });
}

async function verified(selfTest: ModelInfo['selfTest'], name: string) {
  const networks = [];
  for await (const network of verifyModel(await loadModel(await modelWith(selfTest, name)), { threads: 1 })) {
    networks.push(network);
  }
  return networks;
}

describe('verifying a model', () => {
  it('passes where the network answers as it did at import, and tells where it ran', async () => {
    const [network, ...others] = await verified(
      { seed: SELF_TEST_SEED, logits: { [NETWORK]: logits } },
      'same',
    );
    expect(others).toEqual([]);
    expect(network).toMatchObject({ file: NETWORK, executionProvider: 'cpu', selfTest: { passed: true } });
    expect(network?.secondsPerWindow).toBeGreaterThan(0);
  });

  it('fails where it answers otherwise', async () => {
    const others = logits.map((value) => -value);
    const [network] = await verified({ seed: SELF_TEST_SEED, logits: { [NETWORK]: others } }, 'other');
    expect(network?.selfTest?.passed).toBe(false);
  });

  it('fails for another input: the answer depends on it', async () => {
    const [network] = await verified({ seed: SELF_TEST_SEED + 1, logits: { [NETWORK]: logits } }, 'seed');
    expect(network?.selfTest?.passed).toBe(false);
  });

  it('says where a model holds no self-test', async () => {
    expect((await verified(undefined, 'none'))[0]?.selfTest).toBeUndefined();
  });

  it('leaves the model what it is: the self-test is no part of its hash', async () => {
    const selfTest = { seed: SELF_TEST_SEED, logits: { [NETWORK]: logits } };
    const [without, tested] = await Promise.all([
      modelWith(undefined, 'a').then((folder) => loadModel(folder)),
      modelWith(selfTest, 'b').then((folder) => loadModel(folder)),
    ]);
    expect(tested.sha256).toBe(without.sha256);
  });
});

describe('comparing logits', () => {
  it('measures differences by the spread of what is expected', () => {
    expect(compareLogits([0.01, 2, -2], [0, 2, -2])).toMatchObject({ passed: true });
    expect(compareLogits([0.1, 2, -2], [0, 2, -2])).toMatchObject({ passed: false });
    expect(compareLogits([0, 200.5, -200], [0, 200, -200])).toMatchObject({ passed: true });
  });

  it('does not pass what is no number, or too few', () => {
    expect(compareLogits([Number.NaN, 2, -2], [0, 2, -2]).passed).toBe(false);
    expect(compareLogits([0, 2], [0, 2, -2]).passed).toBe(false);
  });
});
