import type { Shape3 } from '../array3.ts';
import type { ConvBlock, Upsampling } from './network-architecture.ts';

/**
 * A network of dynamic_network_architectures, which nnU-Net v2 trains; `ResidualUNet` is what PaNSegNet's
 * port to nnU-Net v2 makes of it.
 */
export const DYNAMIC_KINDS = ['PlainConvUNet', 'ResidualEncoderUNet', 'ResidualUNet'] as const;
type DynamicKind = (typeof DYNAMIC_KINDS)[number];

/** What plans say of such a network. Lengths of axes are [z, y, x] after transpose_forward. */
export interface DynamicPlan {
  readonly kind: DynamicKind;
  readonly inputChannels: number;
  /** Background included. */
  readonly classes: number;
  readonly patchSize: Shape3;
  /** One of each per stage, from full resolution down. */
  readonly features: readonly number[];
  readonly kernels: readonly Shape3[];
  /** Of the stage's first convolution. */
  readonly strides: readonly Shape3[];
  /** Convolutions, or residual blocks, of each stage of the encoder. */
  readonly encoderDepths: readonly number[];
  /** Of each stage of the decoder, the deepest first. */
  readonly decoderDepths: readonly number[];
  /** Of the encoder's convolutions and of the transposed ones; normalization takes the first kind away. */
  readonly convBias: boolean;
  /** Of the instance normalization. */
  readonly epsilon: number;
  /** Of the leaky ReLU; 0 for ReLU. */
  readonly slope: number;
}

/**
 * BasicBlockD: convolution, norm, leaky ReLU, convolution, norm, plus what goes past them, leaky ReLU. What
 * goes past is averaged over the stride, and projected where the channels change.
 */
export interface ResidualBlock {
  readonly first: ConvBlock;
  readonly second: ConvBlock;
  /** 1x1x1 without bias, then norm. */
  readonly projection: ConvBlock | undefined;
}

export type DynamicBlock = ConvBlock | ResidualBlock;

export interface DynamicArchitecture {
  readonly plan: DynamicPlan;
  /** Before the first stage. */
  readonly stem: readonly ConvBlock[];
  /** From full resolution to the bottleneck, which is the last. */
  readonly encoder: readonly (readonly DynamicBlock[])[];
  /** From above the bottleneck to full resolution. */
  readonly decoder: readonly {
    readonly upsampling: Upsampling;
    readonly blocks: readonly DynamicBlock[];
  }[];
  /** 1x1x1 convolution with bias from the last decoder level to the logits. */
  readonly segmentation: { readonly name: string; readonly channelsIn: number };
  /** Each parameter by its first name, with its other names: modules that are registered twice. */
  readonly parameters: ReadonlyMap<string, readonly string[]>;
}
