import type { NetworkArchitecture } from '../architecture/network-architecture.ts';
import type { NetworkWeights } from '../network-weights.ts';
import { buildNetwork } from './network-graph.ts';
import { checkValues } from './parameters.ts';
import { writeModel } from './write-model.ts';

/**
 * Writes a network as an ONNX file with input `input` [1, channels, z, y, x] and output `logits`
 * [1, classes, z, y, x], float32, background first. A few parameters are in memory at a time.
 *
 * @param architecture what `describeNetwork` says of these weights
 * @throws {SegmentationError} CHECKPOINT_VALUES, before anything is written
 */
export async function writeNetwork(
  architecture: NetworkArchitecture,
  weights: NetworkWeights,
  file: string,
): Promise<void> {
  await checkValues(weights);
  await writeModel(buildNetwork(architecture, weights), file);
}
