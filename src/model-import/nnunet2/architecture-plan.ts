import { z } from 'zod';
import type { DynamicPlan } from '../../segmentation/architecture/dynamic-architecture.ts';
import type { Shape3 } from '../../segmentation/array3.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { checked, className } from './json-file.ts';

/** What a configuration says of its network; channels in and out are the data set's. */
export type NetworkSettings = Omit<DynamicPlan, 'inputChannels' | 'classes' | 'patchSize'>;

const MAX_STAGES = 12;
const MAX_BLOCKS = 100;

const count = z.int().positive();
const three = z
  .union([
    count,
    z.tuple([count, count, count], 'expected three whole numbers: only 3-D networks can be used'),
  ])
  .transform((lengths): Shape3 => (typeof lengths === 'number' ? [lengths, lengths, lengths] : lengths));
const depth = count.max(MAX_BLOCKS);
const perStage = <T extends z.ZodType>(one: T) => z.array(one).min(1).max(MAX_STAGES);

const archKwargs = z.object({
  n_stages: count.max(MAX_STAGES),
  features_per_stage: z.union([count, perStage(count)]),
  kernel_sizes: z.union([count, perStage(three)]),
  strides: z.union([count, perStage(three)]),
  n_conv_per_stage: z.union([depth, perStage(depth)]).optional(),
  n_blocks_per_stage: z.union([depth, perStage(depth)]).optional(),
  n_conv_per_stage_decoder: z.union([depth, z.array(depth).max(MAX_STAGES)]),
  conv_bias: z.boolean().default(false),
  conv_op: z.string(),
  norm_op: z.string().nullish(),
  norm_op_kwargs: z.record(z.string(), z.unknown()).nullish(),
  dropout_op: z.unknown().optional(),
  nonlin: z.string().nullish(),
  nonlin_kwargs: z.record(z.string(), z.unknown()).nullish(),
  nonlin_first: z.boolean().nullish(),
  block: z.string().nullish(),
  stem_channels: count.nullish(),
});
type ArchKwargs = z.infer<typeof archKwargs>;

/** Beside those above: without effect at inference, or on the network where they are this. */
const HARMLESS: Readonly<Record<string, (value: unknown) => boolean>> = {
  dropout_op_kwargs: () => true,
  deep_supervision: () => true,
  bottleneck_channels: (value) => value === null,
  stochastic_depth_p: (value) => value === 0 || value === null,
  squeeze_excitation: (value) => value === false || value === null,
  pool: (value) => value === 'conv' || value === null,
  pool_type: (value) => value === 'conv' || value === null,
};

const architecture = z.object({
  network_class_name: z.string(),
  arch_kwargs: z.record(z.string(), z.unknown()),
});

const oldPlans = z.object({
  UNet_class_name: z.string(),
  UNet_base_num_features: count,
  unet_max_num_features: count,
  pool_op_kernel_sizes: perStage(three),
  conv_kernel_sizes: perStage(three),
  n_conv_per_stage_encoder: perStage(depth),
  n_conv_per_stage_decoder: z.array(depth).max(MAX_STAGES),
});

/**
 * The network that a configuration describes, in the words of nnU-Net v2.4 and later, or of the versions
 * before.
 *
 * @param builder who builds it: PaNSegNet's port takes the sizes, and another network
 * @throws {SegmentationError} PLANS_INVALID
 */
export function readNetworkSettings(
  configuration: Readonly<Record<string, unknown>>,
  builder: 'plans' | 'port',
  where: string,
): NetworkSettings {
  const wrong = (message: string) => new SegmentationError('PLANS_INVALID', `${where}: ${message}`);
  if (configuration['architecture'] !== undefined) {
    const { network_class_name, arch_kwargs } = checked(
      configuration['architecture'],
      architecture,
      `${where}, architecture`,
    );
    const kind = builder === 'port' ? 'ResidualUNet' : kindOf(network_class_name, wrong);
    refuseUnknown(arch_kwargs, wrong);
    return settingsOf(kind, checked(arch_kwargs, archKwargs, `${where}, arch_kwargs`), wrong);
  }
  if (configuration['UNet_class_name'] === undefined)
    throw wrong(
      'neither architecture (nnU-Net v2.4 and later) nor UNet_class_name (before) says what the network is',
    );
  const old = checked(configuration, oldPlans, where);
  const kind = builder === 'port' ? 'ResidualUNet' : kindOf(old.UNet_class_name, wrong);
  return {
    kind,
    features: old.n_conv_per_stage_encoder.map((_, stage) =>
      Math.min(old.UNet_base_num_features * 2 ** stage, old.unet_max_num_features),
    ),
    kernels: old.conv_kernel_sizes,
    strides: old.pool_op_kernel_sizes,
    encoderDepths: old.n_conv_per_stage_encoder,
    decoderDepths: old.n_conv_per_stage_decoder,
    convBias: true,
    epsilon: DEFAULT_EPSILON,
    slope: DEFAULT_SLOPE,
  };
}

const DEFAULT_EPSILON = 1e-5;
/** PyTorch's. */
const DEFAULT_SLOPE = 0.01;

type Wrong = (message: string) => SegmentationError;

function kindOf(name: string, wrong: Wrong): 'PlainConvUNet' | 'ResidualEncoderUNet' {
  const kind = className(name);
  if (kind === 'PlainConvUNet' || kind === 'ResidualEncoderUNet') return kind;
  throw wrong(`its network is a ${name.slice(0, 100)}; expected PlainConvUNet or ResidualEncoderUNet`);
}

function refuseUnknown(kwargs: Readonly<Record<string, unknown>>, wrong: Wrong): void {
  for (const [name, value] of Object.entries(kwargs)) {
    if (Object.hasOwn(archKwargs.shape, name)) continue;
    if (Object.hasOwn(HARMLESS, name) && HARMLESS[name]?.(value)) continue;
    const text = JSON.stringify(value).slice(0, 60);
    throw wrong(`arch_kwargs has ${name.slice(0, 60)} = ${text}, whose effect is not known here`);
  }
}

function settingsOf(kind: NetworkSettings['kind'], kwargs: ArchKwargs, wrong: Wrong): NetworkSettings {
  const { n_stages: stages, stem_channels: stem } = kwargs;
  if (className(kwargs.conv_op) !== 'Conv3d')
    throw wrong(`conv_op is ${kwargs.conv_op}; expected Conv3d: only 3-D networks can be used`);
  if (kwargs.dropout_op !== undefined && kwargs.dropout_op !== null)
    throw wrong('dropout_op is set; expected none, as nnU-Net plans it: parameters have other names with it');
  if (kwargs.nonlin_first === true)
    throw wrong('nonlin_first is set: the activation comes before the normalization, which is not done here');
  if (kwargs.block !== undefined && kwargs.block !== null && className(kwargs.block) !== 'BasicBlockD')
    throw wrong(`block is ${kwargs.block}; expected BasicBlockD`);
  const features = listOf(kwargs.features_per_stage, stages);
  if (stem !== undefined && stem !== null && stem !== features[0])
    throw wrong(`stem_channels is ${stem}; expected as many as the first stage's features, ${features[0]}`);
  const depths = depthsOf(kind, kwargs);
  if (depths === undefined)
    throw wrong(
      `arch_kwargs has no ${kind === 'ResidualEncoderUNet' ? 'n_blocks_per_stage' : 'n_conv_per_stage'}, ` +
        `which a ${kind} is made with`,
    );
  return {
    kind,
    features,
    kernels: listOf(kwargs.kernel_sizes, stages, cube),
    strides: listOf(kwargs.strides, stages, cube),
    encoderDepths: listOf(depths, stages),
    decoderDepths: listOf(kwargs.n_conv_per_stage_decoder, stages - 1),
    convBias: kwargs.conv_bias,
    epsilon: epsilonOf(kwargs, wrong),
    slope: slopeOf(kwargs, wrong),
  };
}

/** PaNSegNet's port takes a plain network's for its residual one. */
function depthsOf(kind: NetworkSettings['kind'], kwargs: ArchKwargs): number | readonly number[] | undefined {
  if (kind === 'PlainConvUNet') return kwargs.n_conv_per_stage;
  if (kind === 'ResidualEncoderUNet') return kwargs.n_blocks_per_stage;
  return kwargs.n_conv_per_stage ?? kwargs.n_blocks_per_stage;
}

const cube = (length: number): Shape3 => [length, length, length];

function listOf(values: number | readonly number[], length: number): readonly number[];
function listOf(
  values: number | readonly Shape3[],
  length: number,
  made: (value: number) => Shape3,
): readonly Shape3[];
function listOf<T>(
  values: number | readonly T[],
  length: number,
  made: (value: number) => unknown = (value) => value,
): readonly unknown[] {
  return typeof values === 'number' ? Array.from({ length }, () => made(values)) : values;
}

function epsilonOf({ norm_op, norm_op_kwargs }: ArchKwargs, wrong: Wrong): number {
  if (!norm_op || className(norm_op) !== 'InstanceNorm3d')
    throw wrong(`norm_op is ${norm_op ?? 'none'}; expected InstanceNorm3d, the only one that is done here`);
  const { eps = DEFAULT_EPSILON, affine, momentum: _, ...others } = norm_op_kwargs ?? {};
  if (affine !== true)
    throw wrong('norm_op_kwargs does not say affine: true; only such a normalization is done');
  if (typeof eps !== 'number' || !(eps > 0)) throw wrong(`norm_op_kwargs says eps ${JSON.stringify(eps)}`);
  const other = Object.entries(others).find(([, value]) => value !== false && value !== null);
  if (other) throw wrong(`norm_op_kwargs has ${other[0]}, which is not done here`);
  return eps;
}

/** ReLU is a leaky one that leaks nothing. */
function slopeOf({ nonlin, nonlin_kwargs }: ArchKwargs, wrong: Wrong): number {
  const kind = nonlin ? className(nonlin) : 'none';
  const { inplace: _, negative_slope: slope = DEFAULT_SLOPE, ...others } = nonlin_kwargs ?? {};
  const [other] = Object.keys(others);
  if (other !== undefined) throw wrong(`nonlin_kwargs has ${other}, which is not done here`);
  if (kind === 'ReLU') return 0;
  if (kind !== 'LeakyReLU') throw wrong(`nonlin is ${nonlin ?? 'none'}; expected LeakyReLU or ReLU`);
  if (typeof slope !== 'number' || !Number.isFinite(slope))
    throw wrong(`nonlin_kwargs says negative_slope ${JSON.stringify(slope)}`);
  return slope;
}
