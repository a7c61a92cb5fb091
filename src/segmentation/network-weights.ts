import type { Shape3 } from './array3.ts';

/** A network's parameters and buffers, by the names of the checkpoint's state dict, without `module.`. */
export interface NetworkWeights {
  /** Shape of each, as PyTorch has it. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /**
   * Values of one in C order; half and double precision come converted. Each call reads them from the file
   * anew, so that no more than one is in memory.
   */
  read(name: string): Promise<Float32Array>;
}

/** What nnU-Net's plans say of the network, of the stage that counts. */
export interface NetworkPlan {
  /** [z, y, x] after transpose_forward. */
  readonly patchSize: Shape3;
  /** pool_op_kernel_sizes: strides between one encoder level and the next. */
  readonly poolOpKernelSizes: readonly Shape3[];
  /** num_modalities. */
  readonly inputChannels: number;
  /** Background included. */
  readonly classes: number;
}
