import type { Shape3 } from '../array3.ts';

/** Convolution with bias, InstanceNorm3d (affine), leaky ReLU. */
export interface ConvBlock {
  /** Of the parameters: `<name>.conv.weight`, `<name>.instnorm.weight` and so on. */
  readonly name: string;
  readonly channelsIn: number;
  readonly channelsOut: number;
  /** Odd; zero padding keeps the size where the stride is 1. */
  readonly kernel: Shape3;
  readonly stride: Shape3;
}

/** Transposed convolution without bias whose kernel is its stride: each voxel becomes a block of voxels. */
export interface Upsampling {
  readonly name: string;
  readonly channelsIn: number;
  readonly channelsOut: number;
  readonly stride: Shape3;
}

/** The encoder level that it is joined with lies at the same resolution. */
export interface DecoderLevel {
  readonly upsampling: Upsampling;
  readonly blocks: readonly ConvBlock[];
}

/** One post-norm layer: linear attention and feed-forward, each with a residual and LayerNorm. */
export interface TransformerLayer {
  readonly name: string;
  readonly feedForwardDims: number;
}

/** The transformer on the bottleneck. Tokens are its voxels in z, y, x order. */
export interface BottleneckAttention {
  readonly name: string;
  readonly tokens: number;
  readonly dims: number;
  readonly heads: number;
  readonly layers: readonly TransformerLayer[];
}

/** What a checkpoint's network looks like. Lengths of axes are [z, y, x] after transpose_forward. */
export interface NetworkArchitecture {
  /** Generic_UNet is nnU-Net v1's own network: PanSegNet without attention. */
  readonly kind: 'PanSegNet' | 'Generic_UNet';
  readonly inputChannels: number;
  /** Background included. */
  readonly classes: number;
  readonly patchSize: Shape3;
  /** From full resolution to the bottleneck, which is the last. */
  readonly encoder: readonly (readonly ConvBlock[])[];
  readonly attention: BottleneckAttention | undefined;
  /** From above the bottleneck to full resolution. */
  readonly decoder: readonly DecoderLevel[];
  /** 1x1x1 convolution without bias from the last decoder level to the logits. */
  readonly segmentation: { readonly name: string; readonly channelsIn: number };
}
