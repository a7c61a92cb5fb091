import { exampleWindow } from './synthetic-network.ts';
import type { SyntheticNetwork } from './synthetic-training.ts';

const POOL = [2, 2, 2] as const;
const FLAT_POOL = [1, 2, 2] as const;
const KERNEL = [3, 3, 3] as const;
const FLAT_KERNEL = [1, 3, 3] as const;

/** Together they take every form of convolution that the graph has. */
export const NETWORKS: Readonly<Record<string, SyntheticNetwork>> = {
  'a plain U-Net': {
    task: 'Task001_Plain',
    features: [8, 16, 16],
    pools: [FLAT_POOL, POOL],
    kernels: [FLAT_KERNEL, KERNEL, KERNEL],
    patchSize: [8, 16, 24],
  },
  // 8 slices above, 4 in the middle, 2 below: tiles of 4 and of 2.
  'wide levels, whose convolutions go by tiles of slices': {
    task: 'Task002_Wide',
    features: [32, 40, 48],
    pools: [POOL, POOL],
    kernels: [KERNEL, KERNEL, KERNEL],
    patchSize: [8, 12, 16],
    attention: { dims: 64, layers: 2 },
  },
  // 12 and 6 slices: three tiles, so that there is one with neighbours on both sides.
  'several tiles along depth': {
    task: 'Task003_Deep',
    features: [32, 32, 32],
    pools: [FLAT_POOL, POOL],
    kernels: [KERNEL, KERNEL, KERNEL],
    patchSize: [12, 12, 12],
  },
  'an odd number of slices, anisotropic kernels and strides': {
    task: 'Task004_Odd',
    features: [4, 32, 36],
    pools: [FLAT_POOL, [1, 2, 1]],
    kernels: [FLAT_KERNEL, [3, 3, 1], KERNEL],
    patchSize: [5, 12, 10],
    attention: { dims: 16, layers: 1 },
  },
  'a stride of 2 over slices that kernels of 3 overlap, and pooling by 3': {
    task: 'Task005_Strides',
    features: [4, 8, 8],
    pools: [POOL, [3, 1, 2]],
    kernels: [KERNEL, KERNEL, KERNEL],
    patchSize: [12, 8, 8],
  },
  "the original's full transformer": {
    task: 'Task006_Transformer',
    features: [8, 16, 32],
    pools: [FLAT_POOL, POOL],
    kernels: [FLAT_KERNEL, KERNEL, KERNEL],
    patchSize: [8, 32, 32],
    attention: { dims: 512, layers: 8 },
  },
};

/** A window whose voxels are nearly the same, far from 0: careless sums lose its variance. */
export const nearlyConstant = (network: SyntheticNetwork): Float32Array<ArrayBuffer> =>
  exampleWindow(network).map((value) => 100 + 0.01 * value);
