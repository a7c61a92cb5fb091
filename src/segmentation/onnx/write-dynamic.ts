import type { DynamicArchitecture } from '../architecture/dynamic-architecture.ts';
import type { NetworkWeights } from '../network-weights.ts';
import { buildDynamicNetwork } from './dynamic-graph.ts';
import { checkValues } from './parameters.ts';
import { writeModel } from './write-model.ts';

/**
 * Writes a network of nnU-Net v2 as `writeNetwork` writes one of v1.
 *
 * @param architecture what `describeDynamicNetwork` says of these weights
 * @param weights at least under the architecture's first names
 * @throws {SegmentationError} CHECKPOINT_VALUES, before anything is written
 */
export async function writeDynamicNetwork(
  architecture: DynamicArchitecture,
  weights: NetworkWeights,
  file: string,
): Promise<void> {
  await checkValues(weights);
  await writeModel(buildDynamicNetwork(architecture, weights), file);
}
