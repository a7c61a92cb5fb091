import type { ConvBlock, NetworkArchitecture, Upsampling } from '../architecture/network-architecture.ts';
import type { NetworkWeights } from '../network-weights.ts';
import { type Graph, GraphBuilder, type Value } from './graph.ts';
import { add, concat, divide, gelu, matMul, multiply, reduceMean, reshape, softmax, subtract, transpose } from './operators.ts';
import { readParameter } from './parameters.ts';
import { writeModel } from './write-model.ts';

export async function writeNetwork(architecture: NetworkArchitecture, weights: NetworkWeights, file: string): Promise<void> {
  await writeModel(buildNetwork(architecture, weights), file);
}
export function buildNetwork(a: NetworkArchitecture, weights: NetworkWeights): Graph {
  const g = new GraphBuilder();
  const P = (name: string) => g.initializer(name, weights.shapes.get(name) ?? [], () => readParameter(weights, name));
  const PS = (name: string, shape: number[]) => g.initializer(name, shape, () => readParameter(weights, name));
  const conv = (x: Value, b: ConvBlock) => {
    const s = [2,3,4].map((i) => Math.floor(((x.shape[i] ?? 0) - 1) / (b.stride[i - 2] ?? 1)) + 1);
    return g.node('Conv', [x, P(`${b.name}.conv.weight`), P(`${b.name}.conv.bias`)], [1, b.channelsOut, ...s], {
      kernel_shape: { ints: b.kernel }, strides: { ints: b.stride }, pads: { ints: [...b.kernel, ...b.kernel].map((k) => (k - 1) / 2) } });
  };
  const mean = (x: Value) => reduceMean(g, reduceMean(g, reduceMean(g, x, 4), 3), 2);
  const block = (x0: Value, b: ConvBlock) => g.within(b.name, () => {
    const x = conv(x0, b);
    const c = subtract(g, x, mean(x));
    const v = mean(multiply(g, c, c));
    const sd = g.node('Sqrt', [add(g, v, g.scalar(1e-5))], v.shape);
    const scale = divide(g, PS(`${b.name}.instnorm.weight`, [1, b.channelsOut, 1, 1, 1]), sd);
    const y = add(g, multiply(g, c, scale), PS(`${b.name}.instnorm.bias`, [1, b.channelsOut, 1, 1, 1]));
    return g.node('LeakyRelu', [y], y.shape, { alpha: { float: 0.01 } });
  });
  const up = (x: Value, u: Upsampling) => g.within(u.name, () => g.node('ConvTranspose', [x, P(`${u.name}.weight`)], [1, u.channelsOut, ...x.shape.slice(2).map((l, i) => l * (u.stride[i] ?? 1))], { kernel_shape: { ints: u.stride }, strides: { ints: u.stride } }));
  const T = (name: string) => g.initializer(`${name} transposed`, [...(weights.shapes.get(name) ?? [])].reverse(), async () => {
    const v = await readParameter(weights, name); const [r = 0, c = 0] = weights.shapes.get(name) ?? [];
    const t = new Float32Array(v.length); for (let i = 0; i < r; i++) for (let j = 0; j < c; j++) t[j * r + i] = v[i * c + j] ?? 0; return t; });
  const linear = (x: Value, name: string) => add(g, matMul(g, x, T(`${name}.weight`)), P(`${name}.bias`));
  let x = g.input('input', [1, a.inputChannels, ...a.patchSize]);
  const skips: Value[] = [];
  for (const level of a.encoder) { for (const b of level) x = block(x, b); skips.push(x); }
  skips.pop();
  const at = a.attention;
  if (at) {
    const { name, tokens: n, dims: d, heads: h } = at; const hd = d / h; const shape = x.shape;
    let t = transpose(g, reshape(g, x, [x.shape[1] ?? 0, n]), [1, 0]);
    t = add(g, linear(t, `${name}.linear_proj`), PS(`${name}.pos_encode.pe`, [n, d]));
    const ln = (v: Value, name: string) => g.node('LayerNormalization', [v, P(`${name}.weight`), P(`${name}.bias`)], v.shape, { axis: { int: -1 }, epsilon: { float: 1e-6 } });
    for (const { name } of at.layers) g.within(name, () => {
      const L = (i: number) => reshape(g, linear(t, `${name}.self_attn.linears.${i}`), [n, h, hd]);
      const q = divide(g, softmax(g, transpose(g, L(0), [1, 0, 2]), 2), g.scalar(Math.sqrt(hd)));
      const k = softmax(g, transpose(g, L(1), [1, 2, 0]), 2);
      const v = transpose(g, L(2), [1, 0, 2]);
      const o = reshape(g, transpose(g, matMul(g, q, matMul(g, k, v)), [1, 0, 2]), [n, d]);
      t = ln(add(g, t, linear(o, `${name}.self_attn.linears.3`)), `${name}.layer_norm1`);
      t = ln(add(g, t, linear(gelu(g, linear(t, `${name}.linear1`)), `${name}.linear2`)), `${name}.layer_norm2`);
    });
    x = reshape(g, transpose(g, linear(t, `${name}.linear_back_proj`), [1, 0]), shape);
  }
  for (const level of a.decoder) {
    const skip = skips.pop(); if (!skip) throw new Error('no skip');
    x = concat(g, [up(x, level.upsampling), skip], 1);
    for (const b of level.blocks) x = block(x, b);
  }
  const y = g.node('Conv', [x, P(`${a.segmentation.name}.weight`)], [1, a.classes, ...a.patchSize], { kernel_shape: { ints: [1, 1, 1] } });
  return g.graph(a.kind, y, 'logits');
}
