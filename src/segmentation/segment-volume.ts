import type { Volume } from '../dicom/volume.ts';
import type { Mode } from '../inference-mode.ts';
import { exportLogits } from './exporting/logits-export.ts';
import { type ExportedSegmentation, exportSegmentation } from './exporting/segmentation-export.ts';
import { expectedForwards, focusWindows } from './inference/focus/focus.ts';
import { ForwardTally } from './inference/forward-tally.ts';
import { slideLogits } from './inference/half-window.ts';
import type { Networks } from './inference/networks.ts';
import { countForwards, slideWindow } from './inference/sliding-window.ts';
import { pancreasAndOthers } from './inference/two-classes.ts';
import { classesOf, type ModelInfo } from './model/model-info.ts';
import { preprocess, preprocessInWindows } from './preprocessing/preprocess.ts';
import { refuseUniform } from './preprocessing/uniform.ts';
import type { VoxelRange } from './voxel-range.ts';

export interface Segmentation {
  /** 1 inside the pancreas, on the volume's own grid. */
  readonly mask: Uint8Array;
  /** Probability of the pancreas on the volume's own grid; only where it was asked for. */
  readonly probability: Float32Array | undefined;
  /** The probability in 255ths, confined to the organ: at least 128 exactly where the mask is. */
  readonly softMask: Uint8Array;
  readonly voxelRange: VoxelRange;
  readonly seconds: { readonly preprocess: number; readonly network: number; readonly export: number };
}

/** Before it is sent anywhere. */
export interface SegmentedVolume extends Segmentation {
  /** See `ExportedSegmentation`. */
  readonly region: { readonly first: number; readonly end: number };
}

export interface SegmentVolumeOptions {
  /** Forward passes done, of all there will be. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly saveProbability?: boolean | undefined;
  /** Default: exact. */
  readonly mode?: Mode | undefined;
}

/**
 * Segments a volume in this thread, and holds it while it works: `segment` does the same in a worker.
 *
 * @param networks of the model's folds; the caller's to release
 * @throws {SegmentationError} VOLUME_UNUSABLE, MODEL_INVALID, INFERENCE_FAILED; the signal's reason when
 *   aborted
 */
export async function segmentVolume(
  volume: Volume,
  info: ModelInfo,
  networks: Networks,
  { onProgress, signal, saveProbability = false, mode = 'exact' }: SegmentVolumeOptions = {},
): Promise<SegmentedVolume> {
  const stopwatch = startStopwatch();
  refuseUniform(volume);
  const predict =
    mode === 'exact' ? everywhere(volume, info, networks) : onOrgan(volume, info, networks, mode);
  const preprocessing = stopwatch();
  const exportFrom = await predict({ signal, onProgress });
  const inference = stopwatch();

  const exported = exportFrom(postprocessed(info, mode), saveProbability);
  return { ...exported, seconds: { preprocess: preprocessing, network: inference, export: stopwatch() } };
}

/**
 * `quick` leaves a thin neck between head and body out more often, and the rest of the organ is not lost for
 * that: its windows are on one organ already.
 */
const postprocessed = (info: ModelInfo, mode: Mode): ModelInfo =>
  mode === 'quick' ? { ...info, postprocessing: { keepLargestComponent: false } } : info;

/** Runs the networks; what comes back brings their result to the volume's grid. */
type Prediction = (
  options: Pick<SegmentVolumeOptions, 'signal' | 'onProgress'>,
) => Promise<(info: ModelInfo, saveProbability: boolean) => ExportedSegmentation>;

function everywhere(volume: Volume, info: ModelInfo, networks: Networks): Prediction {
  const { image, properties } = preprocess(volume, info);
  const sliding = { patchSize: info.patchSize, ...info.inference };
  return async ({ signal, onProgress }) => {
    const tally = new ForwardTally(onProgress, networks.count * countForwards(image.shape, sliding));
    const options = { signal, onForward: tally.forward };
    if (info.nnunetV2) {
      const logits = await slideLogits(image, sliding, classesOf(info), networks.each, options);
      return (...how) => exportLogits(logits, properties, ...how);
    }
    const probability = await slideWindow(image, sliding, networks.each, options);
    return (...how) => exportSegmentation(probability, properties, ...how);
  };
}

function onOrgan(volume: Volume, info: ModelInfo, networks: Networks, mode: 'fast' | 'quick'): Prediction {
  const { patchSize, spacing, inference, nnunetV2 } = info;
  const { image, properties } = preprocessInWindows(volume, info);
  const focus =
    mode === 'quick'
      ? { patchSize, spacing, mirrorAxes: [] }
      : { patchSize, spacing, mirrorAxes: inference.mirrorAxes, inDoubtStep: inference.stepSize };
  const pair = nnunetV2 ? pancreasAndOthers(networks, classesOf(info), nnunetV2.pancreas) : networks;
  return async ({ signal, onProgress }) => {
    const tally = new ForwardTally(onProgress, expectedForwards(image.shape, focus, pair));
    const probability = await focusWindows(image, focus, pair, tally, signal);
    return (...how) => exportSegmentation(probability, properties, ...how);
  };
}

/** Each call gives the seconds since the one before. */
function startStopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}
