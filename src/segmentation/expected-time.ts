import type { Mode } from '../inference-mode.ts';
import type { Shape3 } from './array3.ts';
import { expectedForwards } from './inference/focus/focus.ts';
import { countForwards } from './inference/sliding-window.ts';
import type { ModelInfo } from './model/model-info.ts';

/** Edge of a large abdomen's images, in mm: as wide, deep and long as a whole trunk is imaged. */
const LARGE_MM = 450;

/**
 * How long the networks need for a large abdomen, in minutes; retrieving, resampling and storing are not in
 * it.
 * @param networks of the model: one per fold
 * @param secondsPerWindow of one network and one window, as measured on this machine
 */
export function expectedMinutes(
  { spacing, patchSize, inference }: ModelInfo,
  networks: number,
  mode: Mode,
  secondsPerWindow: number,
): number {
  const [z, y, x] = spacing.map((mm) => Math.ceil(LARGE_MM / mm)) as [number, number, number];
  const shape: Shape3 = [z, y, x];
  const mirrorAxes = mode === 'quick' ? [] : inference.mirrorAxes;
  const windows =
    mode === 'exact'
      ? networks * countForwards(shape, { patchSize, ...inference })
      : expectedForwards(shape, { patchSize, spacing, mirrorAxes }, { count: networks });
  return (windows * secondsPerWindow) / 60;
}
