import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model-import/torch/open-checkpoint.ts';
import { describeNetwork } from '../../src/segmentation/architecture/describe-network.ts';
import type { NetworkPlan } from '../../src/segmentation/network-weights.ts';
import { SegmentationError } from '../../src/segmentation/segmentation-error.ts';
import { planOf } from '../support/synthetic-network.ts';
import { type SyntheticNetwork, TINY, writeSyntheticTraining } from '../support/synthetic-training.ts';

type Shapes = ReadonlyMap<string, readonly number[]>;

let folder: string;
let shapes: Shapes;
let plainShapes: Shapes;
const plan = planOf(TINY);
const { attention: _, ...PLAIN } = TINY;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'architecture-'));
  shapes = await shapesOf(TINY, 'pansegnet');
  plainShapes = await shapesOf(PLAIN, 'plain');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function shapesOf(network: SyntheticNetwork, name: string): Promise<Shapes> {
  const trained = await writeSyntheticTraining(path.join(folder, name), network);
  const weights = await openCheckpoint(path.join(trained, 'fold_0', 'model_final_checkpoint.model'));
  await weights.close();
  return weights.shapes;
}

/** The same parameters with one of another shape, or, where that is undefined, without it. */
function changed(name: string, shape: readonly number[] | undefined): Shapes {
  const result = new Map(shapes);
  if (shape) result.set(name, shape);
  else result.delete(name);
  return result;
}

function refusal(of: Shapes, under: NetworkPlan = plan): string {
  try {
    describeNetwork(of, under);
  } catch (error) {
    if (error instanceof SegmentationError && error.code === 'CHECKPOINT_ARCHITECTURE') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('the architecture', () => {
  test('is read off the shapes: channels, kernels and strides per level', () => {
    const { kind, encoder, decoder, segmentation } = describeNetwork(shapes, plan);
    expect(kind).toBe('PanSegNet');
    const facts = encoder.map((blocks) =>
      blocks.map(({ channelsIn, channelsOut, kernel, stride }) => ({
        channels: [channelsIn, channelsOut],
        kernel,
        stride,
      })),
    );
    expect(facts).toEqual([
      [
        { channels: [1, 4], kernel: [1, 3, 3], stride: [1, 1, 1] },
        { channels: [4, 4], kernel: [1, 3, 3], stride: [1, 1, 1] },
      ],
      [
        { channels: [4, 8], kernel: [3, 3, 3], stride: [1, 2, 2] },
        { channels: [8, 8], kernel: [3, 3, 3], stride: [1, 1, 1] },
      ],
      [
        { channels: [8, 8], kernel: [3, 3, 3], stride: [2, 2, 2] },
        { channels: [8, 8], kernel: [3, 3, 3], stride: [1, 1, 1] },
      ],
    ]);
    expect(decoder.map(({ upsampling }) => upsampling)).toEqual([
      { name: 'tu.0', channelsIn: 8, channelsOut: 8, stride: [2, 2, 2] },
      { name: 'tu.1', channelsIn: 8, channelsOut: 4, stride: [1, 2, 2] },
    ]);
    // The decoder at full resolution has the kernels of the second level, not of the first.
    expect(decoder.at(-1)?.blocks.map(({ channelsIn, kernel }) => [channelsIn, kernel])).toEqual([
      [8, [3, 3, 3]],
      [4, [3, 3, 3]],
    ]);
    expect(segmentation).toEqual({ name: 'seg_outputs.1', channelsIn: 4 });
  });

  test("has the transformer's size from the weights, and the original's 8 heads", () => {
    expect(describeNetwork(shapes, plan).attention).toMatchObject({ tokens: 8, dims: 16, heads: 8 });
    expect(describeNetwork(shapes, plan).attention?.layers).toHaveLength(2);
  });

  test('without a transformer is the plain U-Net', () => {
    expect(describeNetwork(plainShapes, plan)).toMatchObject({ kind: 'Generic_UNet', attention: undefined });
  });

  test('may have any number of convolutions per level', () => {
    const third = new Map(plainShapes);
    const name = 'conv_blocks_context.0.blocks';
    for (const [key, shape] of plainShapes) {
      if (key.startsWith(`${name}.1.`)) third.set(key.replace(`${name}.1.`, `${name}.2.`), shape);
    }
    expect(describeNetwork(third, plan).encoder[0]).toHaveLength(3);
  });

  test('needs none of the outputs that serve deep supervision', () => {
    expect(refusal(changed('seg_outputs.0.weight', undefined))).toBe('accepted');
    expect(refusal(changed('seg_outputs.1.weight', undefined))).toContain('seg_outputs.1.weight: expected');
  });
});

describe('a checkpoint of another architecture', () => {
  test('is refused with every single parameter that is missing', () => {
    const unneeded = ['seg_outputs.0.weight'];
    // Without its weight, a convolution or layer that may be there is none: its other parameters are too
    // many.
    for (const name of shapes.keys()) {
      if (unneeded.includes(name)) continue;
      const prefix = name.slice(0, name.lastIndexOf('.'));
      const message = refusal(changed(name, undefined));
      expect(message).toContain(prefix.replace(/\.conv$/, ''));
      expect(message).toMatch(/found no such parameter|expected no such parameter/);
    }
  });

  test('is refused with every parameter that has one axis more', () => {
    for (const [name, shape] of shapes) {
      const found = [...shape, 1];
      const message = refusal(changed(name, found));
      expect(message).toContain(`${name}: expected [`);
      expect(message).toContain(`], found [${found.join(', ')}]`);
    }
  });

  test.each([
    [
      'a bias of another length',
      'conv_blocks_context.1.blocks.0.conv.bias',
      [7],
      'conv_blocks_context.1.blocks.0.conv.bias: expected [8], found [7]',
    ],
    [
      'other input channels',
      'conv_blocks_context.0.blocks.0.conv.weight',
      [4, 3, 1, 3, 3],
      'conv_blocks_context.0.blocks.0.conv.weight: expected [any, 1, any, any, any], found [4, 3, 1, 3, 3]',
    ],
    [
      'more classes than the plans have',
      'seg_outputs.1.weight',
      [3, 4, 1, 1, 1],
      'seg_outputs.1.weight: expected [2, 4, 1, 1, 1], found [3, 4, 1, 1, 1]',
    ],
    [
      'an even kernel',
      'conv_blocks_context.0.blocks.1.conv.weight',
      [4, 4, 1, 2, 2],
      'conv_blocks_context.0.blocks.1.conv.weight: expected a kernel of odd lengths, found 1 x 2 x 2',
    ],
    [
      'an upsampling that is not the pooling of the plans',
      'tu.1.weight',
      [8, 4, 2, 2, 2],
      'tu.1.weight: expected [8, any, 1, 2, 2], found [8, 4, 2, 2, 2]',
    ],
    [
      'positions for another patch size',
      'self_atten.pos_encode.pe',
      [1, 64, 16],
      'self_atten.pos_encode.pe: expected [1, 8, 16], found [1, 64, 16]',
    ],
    [
      'a transformer that 8 heads cannot share',
      'self_atten.linear_proj.weight',
      [12, 8],
      'self_atten.linear_proj.weight: expected a multiple of 8 (heads) outputs, found 12',
    ],
    [
      'a batch normalization',
      'conv_blocks_context.0.blocks.0.instnorm.running_mean',
      [4],
      'conv_blocks_context.0.blocks.0.instnorm.running_mean: expected no such parameter, found [4]',
    ],
    [
      'an empty tensor',
      'conv_blocks_context.0.blocks.0.conv.weight',
      [0, 1, 1, 3, 3],
      'conv_blocks_context.0.blocks.0.conv.weight: expected [any, 1, any, any, any], found [0, 1, 1, 3, 3]',
    ],
  ])('is refused for %s', (_name, parameter, shape, message) => {
    expect(refusal(changed(parameter, shape))).toBe(message);
  });

  test('is refused when it has more or fewer levels than the plans', () => {
    const shallower = { ...plan, poolOpKernelSizes: plan.poolOpKernelSizes.slice(0, 1) };
    const deeper = { ...plan, poolOpKernelSizes: [...plan.poolOpKernelSizes, [1, 1, 1] as const] };
    expect(refusal(shapes, shallower)).toMatch(
      /conv_blocks_context\.1\.0\.blocks\.0.*found no such parameter/,
    );
    expect(refusal(shapes, deeper)).toMatch(/conv_blocks_context\.2\.blocks\.0.*found no such parameter/);
  });

  test('is refused when the patch size is not a multiple of the pooling', () => {
    expect(refusal(shapes, { ...plan, patchSize: [4, 8, 10] })).toMatch(/4 x 8 x 10 is not a multiple of 4/);
  });
});
