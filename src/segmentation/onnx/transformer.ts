import type { BottleneckAttention, TransformerLayer } from '../architecture/network-architecture.ts';
import type { GraphBuilder, Value } from './graph.ts';
import {
  add,
  concat,
  divide,
  gelu,
  layerNormalization,
  matMul,
  reshape,
  softmax,
  split,
  transpose,
} from './operators.ts';
import type { Parameters } from './parameters.ts';
import { channelsOf, type Slices } from './slices.ts';

/** The authors' LayerNorm; PyTorch's default would be 1e-5. */
const LAYER_NORM_EPSILON = 1e-6;

/** PanSegNet's transformer in place of the bottleneck's features: there is no residual around it. */
export function attend(
  g: GraphBuilder,
  parameters: Parameters,
  x: Slices,
  attention: BottleneckAttention,
): Slices {
  const position = positionOf(parameters, attention);
  return slicesOf(g, transformTokens(g, parameters, tokensOf(g, x), position, attention), x);
}

/** What is added to the tokens, by their place. */
export const positionOf = (parameters: Parameters, { name, tokens, dims }: BottleneckAttention): Value =>
  parameters.reshaped(`${name}.pos_encode.pe`, [tokens, dims]);

/** A layer normalization's input, in a form that the operator takes without loss. */
export type Prepare = (g: GraphBuilder, x: Value) => Value;

/** [tokens, channels] to the same. */
export function transformTokens(
  g: GraphBuilder,
  parameters: Parameters,
  tokens: Value,
  position: Value,
  attention: BottleneckAttention,
  prepare: Prepare = (_, x) => x,
): Value {
  const { name, layers } = attention;
  const projected = linear(g, parameters, tokens, `${name}.linear_proj`);
  const transformed = layers.reduce(
    (features, layer) =>
      g.within(layer.name, () => encode(g, parameters, features, layer, attention, prepare)),
    add(g, projected, position),
  );
  return linear(g, parameters, transformed, `${name}.linear_back_proj`);
}

/** [tokens, dims] to the same: attention and feed-forward, each added to its input and then normalized. */
function encode(
  g: GraphBuilder,
  parameters: Parameters,
  x: Value,
  { name }: TransformerLayer,
  attention: BottleneckAttention,
  prepare: Prepare,
): Value {
  const attended = add(g, x, linearAttention(g, parameters, x, `${name}.self_attn.linears`, attention));
  const y = normalize(g, parameters, prepare(g, attended), `${name}.layer_norm1`);
  const hidden = gelu(g, linear(g, parameters, y, `${name}.linear1`));
  const fed = add(g, y, linear(g, parameters, hidden, `${name}.linear2`));
  return normalize(g, parameters, prepare(g, fed), `${name}.layer_norm2`);
}

/**
 * softmax(q over a head's dims) / sqrt(those dims) times (softmax(k over tokens)^T v): the cost grows with
 * the tokens, not with their square. Shen et al., Efficient Attention (2021).
 */
function linearAttention(
  g: GraphBuilder,
  parameters: Parameters,
  x: Value,
  name: string,
  { tokens, dims, heads }: BottleneckAttention,
): Value {
  const headDims = dims / heads;
  const [query, key, value] = [0, 1, 2].map((i) =>
    reshape(g, linear(g, parameters, x, `${name}.${i}`), [tokens, heads, headDims]),
  ) as [Value, Value, Value];
  const byHead = [1, 0, 2]; // [heads, tokens, headDims]
  const byHeadTransposed = [1, 2, 0]; // [heads, headDims, tokens]
  const q = divide(g, softmax(g, transpose(g, query, byHead), 2), g.scalar(Math.sqrt(headDims)));
  const k = softmax(g, transpose(g, key, byHeadTransposed), 2);
  const context = matMul(g, k, transpose(g, value, byHead));
  const attended = reshape(g, transpose(g, matMul(g, q, context), byHead), [tokens, dims]);
  return linear(g, parameters, attended, `${name}.3`);
}

function linear(g: GraphBuilder, parameters: Parameters, x: Value, name: string): Value {
  return add(g, matMul(g, x, parameters.transposed(`${name}.weight`)), parameters.vector(`${name}.bias`));
}

function normalize(g: GraphBuilder, parameters: Parameters, x: Value, name: string): Value {
  const weight = parameters.vector(`${name}.weight`);
  const bias = parameters.vector(`${name}.bias`);
  return layerNormalization(g, x, weight, bias, LAYER_NORM_EPSILON);
}

/** [tokens, channels], tokens in z, y, x order. */
function tokensOf(g: GraphBuilder, x: Slices): Value {
  const planes = x.map((slice) => {
    const [, channels = 0, height = 0, width = 0] = slice.shape;
    return reshape(g, slice, [channels, height * width]);
  });
  return transpose(g, concat(g, planes, 1), [1, 0]);
}

/** The inverse of `tokensOf`, with the shapes of `like`. */
function slicesOf(g: GraphBuilder, tokens: Value, like: Slices): Slices {
  const planes = split(g, transpose(g, tokens, [1, 0]), like.length, 1);
  return planes.map((plane, z) => reshape(g, plane, like[z]?.shape ?? [1, channelsOf(like)]));
}
