import type {
  BottleneckAttention,
  ConvBlock,
  DecoderLevel,
  NetworkArchitecture,
  Upsampling,
} from '../architecture/network-architecture.ts';
import type { NetworkWeights } from '../network-weights.ts';
import { applyInTurn } from '../onnx/blocks.ts';
import { type Graph, GraphBuilder, type Value } from '../onnx/graph.ts';
import { INSTANCE_NORM_EPSILON, LEAKY_RELU_SLOPE } from '../onnx/normalization.ts';
import {
  add,
  divide,
  multiply,
  reduce,
  reshape,
  squareRoot,
  subtract,
  sum,
  transpose,
} from '../onnx/operators.ts';
import { type ChannelRange, Parameters } from '../onnx/parameters.ts';
import { positionOf, transformTokens } from '../onnx/transformer.ts';

/**
 * The network as operators on whole volumes, with the inputs, the output and the answers of `buildNetwork`.
 * GPUs are fed by few large operators, where the CPU wants slices: onnxruntime's WebGPU provider refuses the
 * CPU's graph. It has no transposed convolution in three dimensions either: see `upsample`.
 */
export function buildVolumeNetwork(architecture: NetworkArchitecture, weights: NetworkWeights): Graph {
  const { kind, inputChannels, patchSize, encoder, attention, decoder, segmentation } = architecture;
  const g = new GraphBuilder();
  const parameters = new Parameters(g, weights);

  let x = g.input('input', [1, inputChannels, ...patchSize]);
  const skips: Value[] = [];
  for (const blocks of encoder) {
    x = applyBlocks(g, parameters, [x], blocks);
    skips.push(x);
  }
  skips.pop(); // the bottleneck has nothing to skip
  if (attention) x = attend(g, parameters, x, attention);
  for (const level of decoder) x = decode(g, parameters, x, skips.pop(), level);
  const logits = convolve(g, parameters, [x], {
    weight: `${segmentation.name}.weight`,
    kernel: [1, 1, 1],
    stride: [1, 1, 1],
  });
  return g.graph(kind, logits, 'logits');
}

function decode(
  g: GraphBuilder,
  parameters: Parameters,
  below: Value,
  skip: Value | undefined,
  { upsampling, blocks }: DecoderLevel,
): Value {
  const up = g.within(upsampling.name, () => upsample(g, parameters, below, upsampling));
  return applyBlocks(g, parameters, skip ? [up, skip] : [up], blocks);
}

/** Convolution, normalization and activation, again and again; the first takes all inputs. */
function applyBlocks(
  g: GraphBuilder,
  parameters: Parameters,
  inputs: readonly Value[],
  blocks: readonly ConvBlock[],
): Value {
  return applyInTurn(g, inputs, blocks, (from, block) => {
    const convolved = convolve(g, parameters, from, { ...block, weight: `${block.name}.conv.weight` });
    return normalizeAndActivate(g, parameters, convolved, block);
  });
}

/**
 * Without bias, which the normalization takes away again. The inputs' channels, one input after the other,
 * are the convolution's: their results are added, so that no tensor is larger than a level's features. At
 * full size these are 257 MB, and a GPU may refuse buffers of more than 256 MiB.
 */
function convolve(
  g: GraphBuilder,
  parameters: Parameters,
  inputs: readonly Value[],
  { weight, kernel, stride }: Pick<ConvBlock, 'kernel' | 'stride'> & { readonly weight: string },
): Value {
  const pads = kernel.map((length) => (length - 1) / 2);
  let start = 0;
  const terms = inputs.map((x) => {
    const channels: ChannelRange = { start, end: start + (x.shape[1] ?? 0) };
    start = channels.end;
    const w = parameters.kernelOf(weight, channels);
    const lengths = stride.map((step, axis) => Math.floor(((x.shape[axis + 2] ?? 0) - 1) / step) + 1);
    return g.node('Conv', [x, w], [1, w.shape[0] ?? 0, ...lengths], {
      kernel_shape: { ints: kernel },
      strides: { ints: stride },
      pads: { ints: [...pads, ...pads] },
    });
  });
  return sum(g, terms);
}

/**
 * InstanceNorm3d and leaky ReLU. onnxruntime's InstanceNormalization is of no use here: on the CPU it sums
 * millions of voxels in single precision; on WebGPU it takes the variance as the mean of squares less the
 * square of the mean, and gave NaN for values of 100 with a standard deviation of 0.01.
 */
function normalizeAndActivate(g: GraphBuilder, parameters: Parameters, x: Value, { name }: ConvBlock): Value {
  const [, channels = 0, , , width = 0] = x.shape;
  const column = [1, channels, 1, 1, 1];
  const weight = parameters.reshaped(`${name}.instnorm.weight`, column);
  const bias = parameters.reshaped(`${name}.instnorm.bias`, column);
  const difference = centred(g, x, [4, 3, 2]);
  const rowSquares = reduce(g, 'ReduceSumSquare', difference, [4]);
  const variance = divide(g, meanAlong(g, rowSquares, [3, 2]), g.scalar(width));
  const scale = divide(g, weight, squareRoot(g, add(g, variance, g.scalar(INSTANCE_NORM_EPSILON))));
  const normalized = add(g, multiply(g, difference, scale), bias);
  return g.node('LeakyRelu', [normalized], x.shape, { alpha: { float: LEAKY_RELU_SLOPE } });
}

/** Values less their mean: what a layer normalization on WebGPU has to be given, for the same reason. */
const centred = (g: GraphBuilder, x: Value, axes: readonly number[]): Value =>
  subtract(g, x, meanAlong(g, x, axes));

/** One axis at a time: sums stay short, and there are many of them, which is what keeps a GPU busy. */
const meanAlong = (g: GraphBuilder, x: Value, axes: readonly number[]): Value =>
  axes.reduce((value, axis) => reduce(g, 'ReduceMean', value, [axis]), x);

/**
 * A transposed convolution whose kernel is its stride gives each voxel a block of its own: a 1x1x1
 * convolution gives the blocks as channels, which are then put in place.
 */
function upsample(
  g: GraphBuilder,
  parameters: Parameters,
  x: Value,
  { name, channelsOut, stride }: Upsampling,
): Value {
  const [, , depth = 0, height = 0, width = 0] = x.shape;
  const [sz, sy, sx] = stride;
  const weight = parameters.upsamplingPoints(`${name}.weight`);
  const blocks = g.node('Conv', [x, weight], x.shape.with(1, weight.shape[0] ?? 0), {
    kernel_shape: { ints: [1, 1, 1] },
  });
  const apart = reshape(g, blocks, [channelsOut, sz, sy, sx, depth, height, width]);
  const inPlace = transpose(g, apart, [0, 4, 1, 5, 2, 6, 3]);
  return reshape(g, inPlace, [1, channelsOut, depth * sz, height * sy, width * sx]);
}

function attend(g: GraphBuilder, parameters: Parameters, x: Value, attention: BottleneckAttention): Value {
  const [, channels = 0] = x.shape;
  const tokens = transpose(g, reshape(g, x, [channels, attention.tokens]), [1, 0]);
  const position = positionOf(parameters, attention);
  const transformed = transformTokens(g, parameters, tokens, position, attention, (builder, features) =>
    centred(builder, features, [1]),
  );
  return reshape(g, transpose(g, transformed, [1, 0]), x.shape);
}
