import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model-import/torch/open-checkpoint.ts';
import { describeNetwork } from '../../src/segmentation/architecture/describe-network.ts';
import type { NetworkWeights } from '../../src/segmentation/network-weights.ts';
import { GraphBuilder } from '../../src/segmentation/onnx/graph.ts';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
} from '../../src/segmentation/onnx/onnx_pb.ts';
import { writeModel } from '../../src/segmentation/onnx/write-model.ts';
import { writeNetwork } from '../../src/segmentation/onnx/write-network.ts';
import { describeWith, programPath } from '../support/requires.ts';
import { planOf, writeSyntheticNetwork } from '../support/synthetic-network.ts';
import { TINY } from '../support/synthetic-training.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'onnx-'));
  file = path.join(folder, 'network.onnx');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const LENGTH = 1000;

/** input + 0 + 1 + 2 ..., each number as a tensor that `onRead` is told of. */
function sumGraph(count: number, onRead: (index: number) => void = () => {}) {
  const g = new GraphBuilder();
  let x = g.input('input', [1, LENGTH]);
  for (let index = 0; index < count; index++) {
    const constant = g.initializer(`constant ${index}`, [LENGTH], async () => {
      onRead(index);
      return new Float32Array(LENGTH).fill(index);
    });
    x = g.node('Add', [x, constant], [1, LENGTH]);
  }
  return g.graph('sum', x, 'output');
}

describe('the writer', () => {
  test('writes in pieces what protobuf writes as a whole', async () => {
    await writeModel(sumGraph(3), file);
    const tensor = (index: number) =>
      create(TensorProtoSchema, {
        dims: [BigInt(LENGTH)],
        dataType: 1,
        name: `constant ${index}`,
        rawData: new Uint8Array(new Float32Array(LENGTH).fill(index).buffer),
      });
    const node = (opType: string, output: string, ...input: string[]) => ({
      opType,
      name: output,
      input,
      output: [output],
    });
    const info = (name: string) => ({
      name,
      type: {
        tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1n }, { dimValue: BigInt(LENGTH) }] } },
      },
    });
    const whole = create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: 'pansegnet-node',
      opsetImport: [{ domain: '', version: 17n }],
      graph: create(GraphProtoSchema, {
        name: 'sum',
        node: [
          node('Add', 'Add_0', 'input', 'constant 0'),
          node('Add', 'Add_1', 'Add_0', 'constant 1'),
          node('Add', 'Add_2', 'Add_1', 'constant 2'),
          node('Identity', 'output', 'Add_2'),
        ],
        initializer: [tensor(0), tensor(1), tensor(2)],
        input: [info('input')],
        output: [info('output')],
      }),
    });
    const written = fromBinary(ModelProtoSchema, await readFile(file));
    // Fields may come in any order; written anew, both have the same.
    expect(toBinary(ModelProtoSchema, written)).toEqual(toBinary(ModelProtoSchema, whole));
    expect((await readFile(file)).length).toBe(toBinary(ModelProtoSchema, whole).length);
  });

  test('reads a tensor only when those before it are in the file', async () => {
    const sizes: number[] = [];
    const count = 20;
    await writeModel(
      sumGraph(count, () => sizes.push(statSync(file).size)),
      file,
    );
    expect(sizes).toHaveLength(count);
    for (const [index, size] of sizes.entries()) expect(size).toBeGreaterThan(index * 4 * LENGTH);
  });

  test('leaves no file behind when a tensor cannot be read', async () => {
    const graph = sumGraph(3, (index) => {
      if (index === 2) throw new Error('the checkpoint was taken away');
    });
    await expect(writeModel(graph, file)).rejects.toThrow('the checkpoint was taken away');
    expect(existsSync(file)).toBe(false);
  });

  test('refuses a network that is too large for the format, before reading it', async () => {
    const g = new GraphBuilder();
    const read = () => Promise.reject(new Error('was read'));
    const large = g.initializer('large', [2 ** 29], read);
    const graph = g.graph('large', g.node('Identity', [large], large.shape), 'output');
    await expect(writeModel(graph, file)).rejects.toThrow(/doesn't fit/);
    expect(existsSync(file)).toBe(false);
  });
});

describe('writing a network', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses %d in any parameter, those that the network does not use included',
    async (value) => {
      const { checkpoint } = await writeSyntheticNetwork(folder, TINY);
      const weights = await openCheckpoint(checkpoint);
      const architecture = describeNetwork(weights.shapes, planOf(TINY));
      for (const damaged of [
        'conv_blocks_context.0.blocks.0.conv.bias',
        'seg_outputs.0.weight',
        'tu.1.weight',
      ]) {
        await expect(
          writeNetwork(architecture, withValue(weights, damaged, value), file),
        ).rejects.toMatchObject({
          code: 'CHECKPOINT_VALUES',
          message: expect.stringMatching(
            `^${damaged}: expected finite numbers, found ${value} at index 2 of `,
          ),
        });
        expect(existsSync(file)).toBe(false);
      }
      await weights.close();
    },
  );
});

/** The same weights with one value of one parameter replaced. */
function withValue(weights: NetworkWeights, parameter: string, value: number): NetworkWeights {
  return {
    shapes: weights.shapes,
    read: async (name) => {
      const values = await weights.read(name);
      if (name === parameter) values[2] = value;
      return values;
    },
  };
}

describeWith(['onnx'], 'a written network', () => {
  test("passes ONNX's own checker, shapes included", async () => {
    const network = { ...TINY, features: [4, 32, 32], patchSize: [4, 8, 8] } as const;
    const { file: written } = await writeSyntheticNetwork(folder, network);
    const program =
      'import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True); print("checked")';
    const { stdout } = await promisify(execFile)(programPath('onnx'), ['-c', program, written]);
    expect(stdout.trim()).toBe('checked');
  });
});
