import { SegmentationError } from '../errors.ts';
import type { NetworkWeights } from '../network-weights.ts';

/**
 * Values of a parameter, each of them a number.
 *
 * @throws {SegmentationError} CHECKPOINT_VALUES
 */
export async function readParameter(weights: NetworkWeights, name: string): Promise<Float32Array> {
  const values = await weights.read(name);
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw new SegmentationError(
    'CHECKPOINT_VALUES',
    `${name}: expected finite numbers, found ${values[at]} at index ${at} of ${values.length}`,
  );
}
