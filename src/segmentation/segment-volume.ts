import type { Volume } from '../dicom/volume.ts';
import { exportSegmentation } from './exporting/segmentation-export.ts';
import type { VoxelRange } from './exporting/soft-mask.ts';
import type { Network } from './inference/network.ts';
import { countForwards, slideWindow } from './inference/sliding-window.ts';
import type { ModelInfo } from './model/model-info.ts';
import { preprocess } from './preprocessing/preprocess.ts';
import { refuseUniform } from './preprocessing/uniform.ts';

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

export interface SegmentVolumeOptions {
  /** Forward passes done, of all there will be. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly saveProbability?: boolean | undefined;
}

/**
 * Segments a volume in this thread, and holds it while it works: `segment` does the same in a worker.
 *
 * @param networks opens one network per fold; each is released before the next one is opened
 * @throws {SegmentationError} VOLUME_UNUSABLE, MODEL_INVALID, INFERENCE_FAILED; the signal's reason when
 *   aborted
 */
export async function segmentVolume(
  volume: Volume,
  info: ModelInfo,
  networks: readonly (() => Promise<Network>)[],
  { onProgress, signal, saveProbability = false }: SegmentVolumeOptions = {},
): Promise<Segmentation> {
  const stopwatch = startStopwatch();
  refuseUniform(volume);
  const { image, properties } = preprocess(volume, info);
  const preprocessing = stopwatch();

  const sliding = { patchSize: info.patchSize, ...info.inference };
  const total = networks.length * countForwards(image.shape, sliding);
  let done = 0;
  onProgress?.(done, total);
  const probability = await slideWindow(
    image,
    sliding,
    async (use) => {
      for (const open of networks) {
        const network = await open();
        try {
          await use(network.predict);
        } finally {
          await network.release();
        }
      }
    },
    { signal, onForward: () => onProgress?.(++done, total) },
  );
  const inference = stopwatch();

  const exported = exportSegmentation(probability, properties, info, saveProbability);
  return { ...exported, seconds: { preprocess: preprocessing, network: inference, export: stopwatch() } };
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
