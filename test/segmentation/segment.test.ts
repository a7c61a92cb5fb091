import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Volume } from '../../src/dicom/volume.ts';
import { MODES } from '../../src/inference-mode.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { segment } from '../../src/segmentation/segment.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'segment-'));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** A bright ball (100) of radius 6 mm on dark ground (0 and -50), on the model's own grid but upside down. */
function ball(): { volume: Volume; truth: Uint8Array } {
  const size = [20, 18, 9] as const;
  const voxels = new Int16Array(20 * 18 * 9);
  const truth = new Uint8Array(voxels.length);
  for (let z = 0, i = 0; z < 9; z++)
    for (let y = 0; y < 18; y++)
      for (let x = 0; x < 20; x++, i++) {
        truth[i] = Math.hypot(x - 8, y - 9, 2 * (z - 3)) < 6 ? 1 : 0;
        voxels[i] = truth[i] === 1 ? 100 : -50;
      }
  return { volume: { voxels, size, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -2, 0, 0, 0, 0, 1] }, truth };
}

const signModel = async (name: string, networks = { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) }) =>
  loadModel(await writeModel(root, { ...SIGN_MODEL, name }, networks));

describe('segmenting', () => {
  test('finds what the network marks, on the volume own grid, and reports progress', async () => {
    const { volume, truth } = ball();
    const seen: [number, number][] = [];
    const { mask, probability, seconds } = await segment(volume, await signModel('ball'), {
      threads: 1,
      saveProbability: true,
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect(mask).toEqual(truth);
    // 100 HU is 5 after normalization.
    expect(probability?.[truth.indexOf(1)]).toBeCloseTo(1 / (1 + Math.exp(-10)), 5);
    expect(seconds.network).toBeGreaterThan(0);
    const forwards = 4 * 4 * 4 * 8;
    expect(seen).toEqual(Array.from({ length: forwards + 1 }, (_, done) => [done, forwards]));
  });

  test('leaves this thread free and the caller voxels as they were', async () => {
    const { volume } = ball();
    const before = volume.voxels.slice();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await segment(volume, await signModel('free'), { threads: 1 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
    expect(volume.voxels).toEqual(before);
  });

  test('takes voxels that are part of a larger buffer', async () => {
    const { volume, truth } = ball();
    const many = new Int16Array(3 * volume.voxels.length);
    many.set(volume.voxels, volume.voxels.length);
    const voxels = many.subarray(volume.voxels.length, 2 * volume.voxels.length);
    const { mask, probability } = await segment({ ...volume, voxels }, await signModel('view'), {
      threads: 1,
    });
    expect(mask).toEqual(truth);
    expect(probability).toBeUndefined();
  });

  const resampling = { order: 3, orderZ: 0, forceSeparateZ: null } as const;
  const secondVersion = (labels: readonly string[]): ModelInfo => ({
    ...SIGN_MODEL,
    format: 2,
    architecture: 'PlainConvUNet',
    name: `second-${labels.length}`,
    nnunetV2: {
      labels: [...labels],
      pancreas: 1,
      resampling: { data: resampling, logits: { ...resampling, order: 1 } },
    },
  });

  test.each(MODES)(
    'finds the same with models of nnU-Net v2, of two classes and more, in mode %s',
    async (mode) => {
      const { volume, truth } = ball();
      for (const [info, network] of [
        [secondVersion(['background', 'pancreas']), signNetwork(SIGN_MODEL.patchSize)],
        [
          secondVersion(['background', 'pancreas', 'duct']),
          signNetwork(SIGN_MODEL.patchSize, 'logits', ['background']),
        ],
      ] as const) {
        const model = await loadModel(await writeModel(root, info, { 'fold_0.onnx': network }));
        const { mask, softMask } = await segment(volume, model, { threads: 1, mode });
        expect(mask).toEqual(truth);
        expect(softMask.map((value) => (value >= 128 ? 1 : 0))).toEqual(truth);
      }
    },
  );

  test('averages folds', async () => {
    const network = signNetwork(SIGN_MODEL.patchSize);
    const model = await signModel(
      'folds',
      Object.assign({ 'fold_0.onnx': network }, { 'fold_1.onnx': network }),
    );
    const { volume, truth } = ball();
    let total = 0;
    const { mask } = await segment(volume, model, { threads: 1, onProgress: (_, all) => (total = all) });
    expect(mask).toEqual(truth);
    expect(total).toBe(2 * 4 * 4 * 4 * 8);
  });
});

describe('a segmentation that cannot be', () => {
  test('stops when aborted, with the signal reason', async () => {
    const stopping = new AbortController();
    const { volume } = ball();
    let last = 0;
    const onProgress = (done: number, total: number) => {
      last = done / total;
      if (done === 1) stopping.abort(new Error('shutting down'));
    };
    const segmenting = segment(volume, await signModel('stop'), {
      threads: 1,
      signal: stopping.signal,
      onProgress,
    });
    await expect(segmenting).rejects.toThrow('shutting down');
    expect(last).toBeLessThan(1);
  });

  test('does not start when already aborted', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(segment(ball().volume, await signModel('late'), { signal })).rejects.toThrow('too late');
  });

  test('refuses an empty volume', async () => {
    const { volume } = ball();
    const empty = { ...volume, voxels: new Int16Array(volume.voxels.length) };
    await expect(segment(empty, await signModel('empty'))).rejects.toMatchObject({
      name: 'SegmentationError',
      code: 'VOLUME_UNUSABLE',
    });
  });

  test.each([
    ['that is no ONNX', Uint8Array.of(1, 2, 3), "can't be loaded"],
    [
      'for another patch',
      signNetwork([4, 8, 4]),
      "'input' should be float32 [1, 1, 4, 8, 8], found [1, 1, 4, 8, 4]",
    ],
    [
      'without logits',
      signNetwork([4, 8, 8], 'other'),
      "'logits' should be float32 [1, 2, 4, 8, 8], found none",
    ],
  ])('refuses a network %s', async (_, bytes, reason) => {
    const model = await signModel('unfit', { 'fold_0.onnx': bytes });
    await expect(segment(ball().volume, model)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(reason),
    });
  });
});
