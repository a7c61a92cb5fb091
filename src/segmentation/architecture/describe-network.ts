import type { Shape3 } from '../array3.ts';
import type { NetworkPlan } from '../network-weights.ts';
import { SegmentationError } from '../segmentation-error.ts';
import type {
  BottleneckAttention,
  ConvBlock,
  DecoderLevel,
  NetworkArchitecture,
} from './network-architecture.ts';
import { ParameterShapes } from './parameter-shapes.ts';

/**
 * Attention heads of PanSegNet's transformer. Neither plans nor weights tell: the projections have the same
 * shape for any number of heads. The authors' code has it as a constant.
 */
const HEADS = 8;

const NO_STRIDE: Shape3 = [1, 1, 1];
const ATTENTION = 'self_atten';

/**
 * Reads the architecture off the parameters' shapes: channels, kernels, convolutions per level and the
 * transformer's size are in no other place. Every parameter is accounted for.
 *
 * @throws {SegmentationError} CHECKPOINT_ARCHITECTURE: the first parameter that is missing, has another
 *   shape, or is one too many
 */
export function describeNetwork(
  shapes: ReadonlyMap<string, readonly number[]>,
  plan: NetworkPlan,
): NetworkArchitecture {
  const parameters = new ParameterShapes(shapes);
  const bottleneckShape = shapeOfBottleneck(plan);
  const encoder = describeEncoder(parameters, plan);
  const attention = parameters.hasBelow(ATTENTION)
    ? describeAttention(parameters, channelsOf(encoder.at(-1)), bottleneckShape)
    : undefined;
  const decoder = describeDecoder(parameters, plan, encoder);
  const segmentation = describeSegmentation(parameters, plan, decoder);
  parameters.refuseUnexpected();
  return {
    kind: attention ? 'PanSegNet' : 'Generic_UNet',
    inputChannels: plan.inputChannels,
    classes: plan.classes,
    patchSize: plan.patchSize,
    encoder,
    attention,
    decoder,
    segmentation,
  };
}

function shapeOfBottleneck({ patchSize, poolOpKernelSizes }: NetworkPlan): Shape3 {
  const along = (axis: 0 | 1 | 2) => {
    const stride = poolOpKernelSizes.reduce((product, pool) => product * pool[axis], 1);
    const length = patchSize[axis] / stride;
    if (Number.isInteger(length) && length > 0) return length;
    throw new SegmentationError(
      'CHECKPOINT_ARCHITECTURE',
      `the plans' patch size ${patchSize.join(' x ')} is not a multiple of ${stride} along axis ${axis}, ` +
        'by which the network pools',
    );
  };
  return [along(0), along(1), along(2)];
}

function describeEncoder(parameters: ParameterShapes, plan: NetworkPlan): ConvBlock[][] {
  const pools = plan.poolOpKernelSizes;
  const encoder: ConvBlock[][] = [];
  let channels = plan.inputChannels;
  for (let level = 0; level <= pools.length; level++) {
    const name = `conv_blocks_context.${level}`;
    const stride = pools[level - 1] ?? NO_STRIDE;
    const blocks =
      level < pools.length
        ? describeBlocks(parameters, `${name}.blocks`, channels, stride)
        : describeBlockPair(parameters, name, channels, stride);
    encoder.push(blocks);
    channels = channelsOf(blocks);
  }
  return encoder;
}

function describeDecoder(
  parameters: ParameterShapes,
  { poolOpKernelSizes }: NetworkPlan,
  encoder: readonly (readonly ConvBlock[])[],
): DecoderLevel[] {
  let below = channelsOf(encoder.at(-1));
  return poolOpKernelSizes.toReversed().map((stride, up) => {
    const name = `tu.${up}`;
    const [, channelsOut = 0] = parameters.expect(`${name}.weight`, [below, undefined, ...stride]);
    const skip = channelsOf(encoder.at(-2 - up));
    const blocks = describeBlockPair(
      parameters,
      `conv_blocks_localization.${up}`,
      channelsOut + skip,
      NO_STRIDE,
    );
    const upsampling = { name, channelsIn: below, channelsOut, stride };
    below = channelsOf(blocks);
    return { upsampling, blocks };
  });
}

/** Two stacks, one after the other, as in the bottleneck and in the decoder. */
function describeBlockPair(
  parameters: ParameterShapes,
  name: string,
  channelsIn: number,
  stride: Shape3,
): ConvBlock[] {
  const first = describeBlocks(parameters, `${name}.0.blocks`, channelsIn, stride);
  const second = describeBlocks(parameters, `${name}.1.blocks`, channelsOf(first), NO_STRIDE);
  return [...first, ...second];
}

/** A stack of convolutions; the first, which must be there, has the stride. */
function describeBlocks(
  parameters: ParameterShapes,
  prefix: string,
  channelsIn: number,
  firstStride: Shape3,
): ConvBlock[] {
  const blocks: ConvBlock[] = [];
  do {
    const first = blocks.length === 0;
    blocks.push(
      describeBlock(
        parameters,
        `${prefix}.${blocks.length}`,
        first ? channelsIn : channelsOf(blocks),
        first ? firstStride : NO_STRIDE,
      ),
    );
  } while (parameters.has(`${prefix}.${blocks.length}.conv.weight`));
  return blocks;
}

function describeBlock(
  parameters: ParameterShapes,
  name: string,
  channelsIn: number,
  stride: Shape3,
): ConvBlock {
  const weight = `${name}.conv.weight`;
  const [channelsOut = 0, , ...kernelLengths] = parameters.expect(weight, [
    undefined,
    channelsIn,
    undefined,
    undefined,
    undefined,
  ]);
  const [kz = 0, ky = 0, kx = 0] = kernelLengths;
  if (kernelLengths.some((length) => length % 2 === 0)) {
    throw new SegmentationError(
      'CHECKPOINT_ARCHITECTURE',
      `${weight}: expected a kernel of odd lengths, found ${kernelLengths.join(' x ')}`,
    );
  }
  for (const parameter of ['conv.bias', 'instnorm.weight', 'instnorm.bias']) {
    parameters.expect(`${name}.${parameter}`, [channelsOut]);
  }
  return { name, channelsIn, channelsOut, kernel: [kz, ky, kx], stride };
}

function describeAttention(
  parameters: ParameterShapes,
  channels: number,
  [nz, ny, nx]: Shape3,
): BottleneckAttention {
  const tokens = nz * ny * nx;
  const [dims = 0] = parameters.expect(`${ATTENTION}.linear_proj.weight`, [undefined, channels]);
  if (dims % HEADS !== 0) {
    throw new SegmentationError(
      'CHECKPOINT_ARCHITECTURE',
      `${ATTENTION}.linear_proj.weight: expected a multiple of ${HEADS} (heads) outputs, found ${dims}`,
    );
  }
  parameters.expect(`${ATTENTION}.linear_proj.bias`, [dims]);
  parameters.expect(`${ATTENTION}.linear_back_proj.weight`, [channels, dims]);
  parameters.expect(`${ATTENTION}.linear_back_proj.bias`, [channels]);
  parameters.expect(`${ATTENTION}.pos_encode.pe`, [1, tokens, dims]);
  const layers: { name: string; feedForwardDims: number }[] = [];
  do {
    const name = `${ATTENTION}.transformer.layers.${layers.length}`;
    layers.push({ name, feedForwardDims: expectTransformerLayer(parameters, name, dims) });
  } while (parameters.hasBelow(`${ATTENTION}.transformer.layers.${layers.length}`));
  return { name: ATTENTION, tokens, dims, heads: HEADS, layers };
}

/** Returns the width of the feed-forward part. */
function expectTransformerLayer(parameters: ParameterShapes, name: string, dims: number): number {
  for (let i = 0; i < 4; i++) {
    parameters.expect(`${name}.self_attn.linears.${i}.weight`, [dims, dims]);
    parameters.expect(`${name}.self_attn.linears.${i}.bias`, [dims]);
  }
  const [feedForwardDims = 0] = parameters.expect(`${name}.linear1.weight`, [undefined, dims]);
  parameters.expect(`${name}.linear1.bias`, [feedForwardDims]);
  parameters.expect(`${name}.linear2.weight`, [dims, feedForwardDims]);
  parameters.expect(`${name}.linear2.bias`, [dims]);
  for (const norm of ['layer_norm1', 'layer_norm2']) {
    parameters.expect(`${name}.${norm}.weight`, [dims]);
    parameters.expect(`${name}.${norm}.bias`, [dims]);
  }
  return feedForwardDims;
}

/** All but the last of seg_outputs serve deep supervision in training: known, and unused. */
function describeSegmentation(
  parameters: ParameterShapes,
  { classes }: NetworkPlan,
  decoder: readonly DecoderLevel[],
): NetworkArchitecture['segmentation'] {
  decoder.forEach(({ blocks }, up) => {
    const isLast = up === decoder.length - 1;
    const name = `seg_outputs.${up}.weight`;
    if (isLast || parameters.has(name)) {
      parameters.expect(name, [classes, channelsOf(blocks), 1, 1, 1]);
    }
  });
  return { name: `seg_outputs.${decoder.length - 1}`, channelsIn: channelsOf(decoder.at(-1)?.blocks) };
}

/** Channels that a stack of convolutions gives. */
function channelsOf(blocks: readonly ConvBlock[] | undefined): number {
  const last = blocks?.at(-1);
  if (!last) throw new Error('a level without convolutions');
  return last.channelsOut;
}
