import type { ConvBlock } from '../architecture/network-architecture.ts';
import type { GraphBuilder, Value } from './graph.ts';
import { add, cast, concat, divide, multiply, reduce, reshape, squareRoot, subtract } from './operators.ts';
import type { Parameters } from './parameters.ts';
import { channelsOf, type Slices } from './slices.ts';

/** PyTorch's default for InstanceNorm3d, which nnU-Net v1 keeps. */
export const INSTANCE_NORM_EPSILON = 1e-5;
/** nnU-Net v1's negative slope. */
export const LEAKY_RELU_SLOPE = 0.01;

/** Names of the parameters of an affine InstanceNorm3d, and what is added to the variance. */
export interface InstanceNorm {
  readonly weight: string;
  readonly bias: string;
  readonly epsilon: number;
}

/** InstanceNorm3d and leaky ReLU: y = leaky(scale x + shift), scale and shift per channel. */
export function normalizeAndActivate(
  g: GraphBuilder,
  parameters: Parameters,
  x: Slices,
  { name }: ConvBlock,
): Slices {
  const norm = { weight: `${name}.instnorm.weight`, bias: `${name}.instnorm.bias` };
  return normalize(g, parameters, x, { ...norm, epsilon: INSTANCE_NORM_EPSILON }, LEAKY_RELU_SLOPE);
}

/** @param slope of the leaky ReLU that follows; undefined where none does */
export function normalize(
  g: GraphBuilder,
  parameters: Parameters,
  x: Slices,
  norm: InstanceNorm,
  slope: number | undefined,
): Slices {
  const channels = channelsOf(x);
  const column = [1, channels, 1, 1];
  const { mean, variance } = statistics(g, x);
  const weight = cast(g, parameters.reshaped(norm.weight, column), 'float64');
  const bias = cast(g, parameters.reshaped(norm.bias, column), 'float64');
  const epsilon = cast(g, g.scalar(norm.epsilon), 'float64');
  const scale = divide(g, weight, squareRoot(g, add(g, variance, epsilon)));
  const shift = subtract(g, bias, multiply(g, mean, scale));
  const kernel = reshape(g, cast(g, scale, 'float32'), [channels, 1, 1, 1]);
  const offset = reshape(g, cast(g, shift, 'float32'), [channels]);
  return x.map((slice) => {
    const scaled = scaleAndShift(g, slice, kernel, offset);
    return slope === undefined ? scaled : activate(g, scaled, slope);
  });
}

/**
 * Mean and variance of each channel over all slices, [1, channels, 1, 1], float64: the variance from the
 * differences to the mean, in a second pass.
 *
 * onnxruntime's InstanceNormalization adds up millions of voxels in single precision, and a full-size
 * network's logits come out wrong by up to 6e-2. Here only a row is added up in single precision, all else in
 * double. The second pass costs 0.5 % of a forward: the squares are summed while their slice is in the cache.
 */
function statistics(g: GraphBuilder, x: Slices): { mean: Value; variance: Value } {
  const rowLength = cast(g, g.scalar(x[0]?.shape[3] ?? 0), 'float64');
  const rowMeans = x.map((slice) => reduce(g, 'ReduceMean', slice, [3]));
  const mean = meanOfRows(g, rowMeans);
  const centre = cast(g, mean, 'float32');
  const rowSquares = x.map((slice) => reduce(g, 'ReduceSumSquare', subtract(g, slice, centre), [3]));
  return { mean, variance: divide(g, meanOfRows(g, rowSquares), rowLength) };
}

/** Mean over slices and rows of [1, channels, y, 1] each. */
function meanOfRows(g: GraphBuilder, rows: readonly Value[]): Value {
  return reduce(g, 'ReduceMean', cast(g, concat(g, rows, 0), 'float64'), [0, 2, 3]);
}

/**
 * As a 1x1 convolution of each channel by itself, because onnxruntime fuses a convolution's bias and
 * activation: one pass over memory instead of three, 0.4 of their time.
 */
function scaleAndShift(g: GraphBuilder, slice: Value, kernel: Value, offset: Value): Value {
  return g.node('Conv', [slice, kernel, offset], slice.shape, {
    group: { int: slice.shape[1] ?? 0 },
    kernel_shape: { ints: [1, 1] },
  });
}

/** Leaky ReLU. */
export function activate(g: GraphBuilder, slice: Value, slope: number): Value {
  return g.node('LeakyRelu', [slice], slice.shape, { alpha: { float: slope } });
}
