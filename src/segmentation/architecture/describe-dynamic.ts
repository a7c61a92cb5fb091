import { AXES, type Shape3 } from '../array3.ts';
import { SegmentationError } from '../segmentation-error.ts';
import type {
  DynamicArchitecture,
  DynamicBlock,
  DynamicPlan,
  ResidualBlock,
} from './dynamic-architecture.ts';
import type { ConvBlock } from './network-architecture.ts';
import { ParameterShapes } from './parameter-shapes.ts';

const NO_STRIDE: Shape3 = [1, 1, 1];
const POINT: Shape3 = [1, 1, 1];
/** Of PaNSegNet's port: parameters that its forward pass never uses. */
const UNUSED_ATTENTION = 'decoder.att_stages.';

/**
 * The network that the plans speak of, held against the checkpoint's parameters as PyTorch's strict loading
 * does: every name must be there, in the shape that the plans give, and no other.
 *
 * @throws {SegmentationError} CHECKPOINT_ARCHITECTURE: the first parameter that is missing, has another
 *   shape, or is one too many; PLANS_INVALID: the plans contradict themselves
 */
export function describeDynamicNetwork(
  shapes: ReadonlyMap<string, readonly number[]>,
  plan: DynamicPlan,
): DynamicArchitecture {
  checkPlan(plan);
  const names = new DynamicParameters(shapes, plan.convBias);
  const isResidual = plan.kind !== 'PlainConvUNet';
  const [firstFeatures = 0] = plan.features;
  const [firstKernel = POINT] = plan.kernels;
  const stem = isResidual
    ? [
        names.conv('encoder.stem.convs.0', {
          channelsIn: plan.inputChannels,
          channelsOut: firstFeatures,
          kernel: firstKernel,
          stride: NO_STRIDE,
        }),
      ]
    : [];
  let channels = isResidual ? firstFeatures : plan.inputChannels;
  const encoder = plan.features.map((channelsOut, stage) => {
    const blocks = names.stack(isResidual ? `encoder.stages.${stage}` : `encoder.stages.${stage}.0`, {
      isResidual,
      count: plan.encoderDepths[stage] ?? 0,
      channelsIn: channels,
      channelsOut,
      kernel: plan.kernels[stage] ?? POINT,
      stride: plan.strides[stage] ?? NO_STRIDE,
    });
    channels = channelsOut;
    return blocks;
  });
  const decoder = plan.decoderDepths.map((count, up) => {
    const stage = plan.features.length - 1 - up;
    const [channelsIn = 0, channelsOut = 0] = [plan.features[stage], plan.features[stage - 1]];
    const upsampling = {
      name: `decoder.transpconvs.${up}`,
      channelsIn,
      channelsOut,
      stride: plan.strides[stage] ?? NO_STRIDE,
    };
    names.own(`${upsampling.name}.weight`, [channelsIn, channelsOut, ...upsampling.stride]);
    if (plan.convBias) names.own(`${upsampling.name}.bias`, [channelsOut]);
    const blocks = names.stack(`decoder.stages.${up}`, {
      isResidual: plan.kind === 'ResidualUNet',
      count,
      channelsIn: 2 * channelsOut,
      channelsOut,
      kernel: plan.kernels[stage - 1] ?? POINT,
      stride: NO_STRIDE,
    });
    // All but the last serve deep supervision in training: known, and unused.
    names.own(`decoder.seg_layers.${up}.weight`, [plan.classes, channelsOut, ...POINT]);
    names.own(`decoder.seg_layers.${up}.bias`, [plan.classes]);
    return { upsampling, blocks };
  });
  if (plan.kind === 'ResidualUNet') names.pass(UNUSED_ATTENTION);
  names.refuseUnexpected();
  return {
    plan,
    stem,
    encoder,
    decoder,
    segmentation: { name: `decoder.seg_layers.${decoder.length - 1}`, channelsIn: firstFeatures },
    parameters: names.aliases,
  };
}

function checkPlan({
  patchSize,
  strides,
  kernels,
  features,
  encoderDepths,
  decoderDepths,
}: DynamicPlan): void {
  const wrong = (message: string) => new SegmentationError('PLANS_INVALID', message);
  const stages = features.length;
  const lists = { kernel_sizes: kernels, strides, 'blocks per stage': encoderDepths };
  for (const [name, { length }] of Object.entries(lists))
    if (length !== stages) throw wrong(`the plans give ${length} ${name} for a network of ${stages} stages`);
  if (decoderDepths.length !== stages - 1 || stages < 2)
    throw wrong(
      `the plans give ${decoderDepths.length} stages of a decoder for ${stages} stages of the encoder; ` +
        'expected one less',
    );
  const even = kernels.flat().find((length) => length % 2 === 0);
  if (even !== undefined) throw wrong(`the plans give a kernel of length ${even}; expected odd lengths`);
  for (const axis of AXES) {
    const stride = strides.reduce((product, along) => product * along[axis], 1);
    if (patchSize[axis] % stride === 0) continue;
    throw wrong(
      `the plans' patch size ${patchSize.join(' x ')} is not a multiple of ${stride} along axis ${axis}, ` +
        'by which the network pools',
    );
  }
}

type ConvShape = Omit<ConvBlock, 'name'>;

interface StackShape extends ConvShape {
  readonly isResidual: boolean;
  readonly count: number;
}

/** Accounts for each parameter under all of its names. */
class DynamicParameters {
  readonly aliases = new Map<string, string[]>();
  readonly #shapes: ParameterShapes;
  readonly #all: ReadonlyMap<string, readonly number[]>;
  readonly #convBias: boolean;

  constructor(shapes: ReadonlyMap<string, readonly number[]>, convBias: boolean) {
    this.#shapes = new ParameterShapes(shapes);
    this.#all = shapes;
    this.#convBias = convBias;
  }

  /** A stack of convolutions or of residual blocks; the first has the stride and changes the channels. */
  stack(name: string, { isResidual, count, ...shape }: StackShape): DynamicBlock[] {
    return Array.from({ length: count }, (_, i) => {
      const own = i === 0 ? shape : { ...shape, channelsIn: shape.channelsOut, stride: NO_STRIDE };
      return isResidual ? this.#residual(`${name}.blocks.${i}`, own) : this.conv(`${name}.convs.${i}`, own);
    });
  }

  #residual(name: string, shape: ConvShape): ResidualBlock {
    const { channelsIn, channelsOut, stride } = shape;
    const first = this.conv(`${name}.conv1`, shape);
    const second = this.conv(`${name}.conv2`, { ...shape, channelsIn: channelsOut, stride: NO_STRIDE });
    // Pooling, where there is any, comes first in what goes past.
    const place = stride.some((step) => step !== 1) ? 1 : 0;
    const projection =
      channelsIn === channelsOut
        ? undefined
        : this.conv(
            `${name}.skip.${place}`,
            { channelsIn, channelsOut, kernel: POINT, stride: NO_STRIDE },
            false,
          );
    return { first, second, projection };
  }

  /** A convolution with its normalization. */
  conv(name: string, shape: ConvShape, hasBias = this.#convBias): ConvBlock {
    const { channelsIn, channelsOut, kernel } = shape;
    this.#twice(name, 'conv.weight', 'all_modules.0.weight', [channelsOut, channelsIn, ...kernel]);
    if (hasBias) this.#twice(name, 'conv.bias', 'all_modules.0.bias', [channelsOut]);
    this.#twice(name, 'norm.weight', 'all_modules.1.weight', [channelsOut]);
    this.#twice(name, 'norm.bias', 'all_modules.1.bias', [channelsOut]);
    return { name, ...shape };
  }

  /** A module is registered by itself and in a sequence; the decoder holds the encoder once more. */
  #twice(name: string, direct: string, inSequence: string, shape: readonly number[]): void {
    const own = [`${name}.${direct}`, `${name}.${inSequence}`];
    const names = name.startsWith('encoder.') ? [...own, ...own.map((one) => `decoder.${one}`)] : own;
    for (const one of names) this.#shapes.expect(one, shape);
    const [first = '', ...others] = names;
    this.aliases.set(first, others);
  }

  /** A parameter with one name. */
  own(name: string, shape: readonly number[]): void {
    this.#shapes.expect(name, shape);
    this.aliases.set(name, []);
  }

  /** Parameters that are never used, whatever they are. */
  pass(prefix: string): void {
    for (const [name, shape] of this.#all) {
      if (!name.startsWith(prefix)) continue;
      this.#shapes.expect(name, shape);
      this.aliases.set(name, []);
    }
  }

  refuseUnexpected(): void {
    this.#shapes.refuseUnexpected();
  }
}
