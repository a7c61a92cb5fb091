import type {
  DynamicArchitecture,
  DynamicBlock,
  DynamicPlan,
  ResidualBlock,
} from '../architecture/dynamic-architecture.ts';
import type { ConvBlock, Upsampling } from '../architecture/network-architecture.ts';
import type { Shape3 } from '../array3.ts';
import type { NetworkWeights } from '../network-weights.ts';
import { convolve, convolvePoints, upsample } from './convolution.ts';
import { type Graph, GraphBuilder, type Value } from './graph.ts';
import { activate, normalize } from './normalization.ts';
import { add, scale, sum } from './operators.ts';
import { Parameters } from './parameters.ts';
import { joinDepth, type Slices, splitDepth } from './slices.ts';

/** Networks of nnU-Net v2 as operators, with the input and the output of `buildNetwork`. */
export function buildDynamicNetwork(architecture: DynamicArchitecture, weights: NetworkWeights): Graph {
  const { plan, stem, encoder, decoder, segmentation } = architecture;
  const g = new GraphBuilder();
  const blocks = new Blocks(g, new Parameters(g, weights), plan);

  let x = splitDepth(g, g.input('input', [1, plan.inputChannels, ...plan.patchSize]));
  if (stem.length > 0) x = blocks.inTurn([x], stem);
  const skips: Slices[] = [];
  for (const stage of encoder) {
    x = blocks.inTurn([x], stage);
    skips.push(x);
  }
  skips.pop(); // the bottleneck has nothing to skip
  for (const level of decoder) {
    const up = blocks.upsampled(x, level.upsampling);
    x = blocks.inTurn([up, skips.pop() ?? []], level.blocks);
  }
  const logits = blocks.points(x, segmentation.name, plan.classes);
  return g.graph(plan.kind, joinDepth(g, logits), 'logits');
}

class Blocks {
  readonly #g: GraphBuilder;
  readonly #parameters: Parameters;
  readonly #plan: DynamicPlan;

  constructor(g: GraphBuilder, parameters: Parameters, plan: DynamicPlan) {
    this.#g = g;
    this.#parameters = parameters;
    this.#plan = plan;
  }

  /** One after the other; the first takes all inputs, whose channels follow each other. */
  inTurn(inputs: readonly Slices[], blocks: readonly DynamicBlock[]): Slices {
    const last = blocks.reduce<readonly Slices[]>(
      (from, block) => [
        'first' in block ? this.#residual(from, block) : this.#conv(from, block, this.#plan.slope),
      ],
      inputs,
    );
    return last[0] as Slices;
  }

  upsampled(x: Slices, upsampling: Upsampling): Slices {
    const { name, channelsOut } = upsampling;
    const bias = this.#plan.convBias ? this.#parameters.reshaped(`${name}.bias`, [channelsOut]) : undefined;
    return this.#g.within(name, () => upsample(this.#g, this.#parameters, x, upsampling, bias));
  }

  points(x: Slices, name: string, channelsOut: number): Slices {
    const bias = this.#parameters.reshaped(`${name}.bias`, [channelsOut]);
    return convolvePoints(this.#g, this.#parameters, x, name, channelsOut, bias);
  }

  #conv(inputs: readonly Slices[], block: ConvBlock, slope: number | undefined): Slices {
    const norm = {
      weight: `${block.name}.norm.weight`,
      bias: `${block.name}.norm.bias`,
      epsilon: this.#plan.epsilon,
    };
    return this.#g.within(block.name, () => {
      const convolved = convolve(this.#g, this.#parameters, inputs, block);
      return normalize(this.#g, this.#parameters, convolved, norm, slope);
    });
  }

  #residual(inputs: readonly Slices[], { first, second, projection }: ResidualBlock): Slices {
    const inner = this.#conv([this.#conv(inputs, first, this.#plan.slope)], second, undefined);
    const pooled = inputs.map((input) => average(this.#g, input, first.stride));
    const past = projection ? this.#conv(pooled, projection, undefined) : (pooled[0] as Slices);
    return inner.map((slice, z) =>
      activate(this.#g, add(this.#g, slice, past[z] as Value), this.#plan.slope),
    );
  }
}

/** AvgPool3d whose kernel is its stride. */
function average(g: GraphBuilder, x: Slices, [sz, sy, sx]: Shape3): Slices {
  const inPlane = sy * sx === 1 ? x : x.map((slice) => averageInPlane(g, slice, sy, sx));
  if (sz === 1) return inPlane;
  return Array.from({ length: Math.floor(x.length / sz) }, (_, z) =>
    scale(g, 1 / sz, sum(g, inPlane.slice(sz * z, sz * (z + 1)))),
  );
}

function averageInPlane(g: GraphBuilder, slice: Value, sy: number, sx: number): Value {
  const [batch = 1, channels = 0, height = 0, width = 0] = slice.shape;
  return g.node('AveragePool', [slice], [batch, channels, Math.floor(height / sy), Math.floor(width / sx)], {
    kernel_shape: { ints: [sy, sx] },
    strides: { ints: [sy, sx] },
  });
}
