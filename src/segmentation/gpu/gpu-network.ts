import { describeNetwork } from '../architecture/describe-network.ts';
import type { Shape3 } from '../array3.ts';
import { modelBytes } from '../onnx/write-model.ts';
import { buildVolumeNetwork } from './volume-graph.ts';
import { readWrittenNetwork } from './written-network.ts';

/**
 * The network of a model folder's file as GPUs want it, as an ONNX file in memory: made when it is needed, so
 * that no weights lie on the disk twice, and the same models serve CPUs and GPUs.
 *
 * @returns undefined where the file isn't of `writeNetwork`'s making
 * @throws {Error} the file can't be read
 */
export async function networkForGpu(file: string, patchSize: Shape3): Promise<Uint8Array | undefined> {
  const written = await readWrittenNetwork(file);
  if (!written) return undefined;
  const { weights, poolOpKernelSizes } = written;
  const plan = { patchSize, poolOpKernelSizes, inputChannels: 1, classes: 2 };
  return modelBytes(buildVolumeNetwork(describeNetwork(weights.shapes, plan), weights));
}
