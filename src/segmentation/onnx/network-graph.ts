import type { ConvBlock, DecoderLevel, NetworkArchitecture } from '../architecture/network-architecture.ts';
import type { NetworkWeights } from '../network-weights.ts';
import { applyInTurn } from './blocks.ts';
import { convolve, convolvePoints, upsample } from './convolution.ts';
import { type Graph, GraphBuilder } from './graph.ts';
import { normalizeAndActivate } from './normalization.ts';
import { Parameters } from './parameters.ts';
import { joinDepth, type Slices, splitDepth } from './slices.ts';
import { attend } from './transformer.ts';

/**
 * The network as operators: `input` [1, channels, z, y, x] to `logits` [1, classes, z, y, x], float32,
 * background first. One window at a time, because a window keeps every core busy.
 */
export function buildNetwork(architecture: NetworkArchitecture, weights: NetworkWeights): Graph {
  const { kind, inputChannels, classes, patchSize, encoder, attention, decoder, segmentation } = architecture;
  const g = new GraphBuilder();
  const parameters = new Parameters(g, weights);

  const input = g.input('input', [1, inputChannels, ...patchSize]);
  let x = splitDepth(g, input);
  const skips: Slices[] = [];
  for (const blocks of encoder) {
    x = applyBlocks(g, parameters, [x], blocks);
    skips.push(x);
  }
  skips.pop(); // the bottleneck has nothing to skip
  if (attention) x = attend(g, parameters, x, attention);
  for (const level of decoder) x = decode(g, parameters, x, skips.pop() ?? [], level);
  const logits = convolvePoints(g, parameters, x, segmentation.name, classes);
  return g.graph(kind, joinDepth(g, logits), 'logits');
}

function decode(
  g: GraphBuilder,
  parameters: Parameters,
  below: Slices,
  skip: Slices,
  { upsampling, blocks }: DecoderLevel,
): Slices {
  const up = g.within(upsampling.name, () => upsample(g, parameters, below, upsampling));
  return applyBlocks(g, parameters, [up, skip], blocks);
}

/** Convolution, normalization and activation, again and again; the first takes all inputs. */
function applyBlocks(
  g: GraphBuilder,
  parameters: Parameters,
  inputs: readonly Slices[],
  blocks: readonly ConvBlock[],
): Slices {
  return applyInTurn(g, inputs, blocks, (from, block) =>
    normalizeAndActivate(g, parameters, convolve(g, parameters, from, block), block),
  );
}
