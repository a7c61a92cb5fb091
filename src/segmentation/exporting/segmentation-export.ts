import { type Array3, elements, float32, inverse, rearrange, transposition, uint8 } from '../array3.ts';
import type { ModelInfo } from '../model/model-info.ts';
import { placeInBox } from '../preprocessing/crop.ts';
import type { Properties } from '../preprocessing/preprocess.ts';
import { resampleProbability, separateAxis } from '../resampling/resample.ts';
import { keepLargestComponents } from './postprocess.ts';

/** Foreground where it is more probable than background; nnU-Net's argmax gives a tie to the background. */
const THRESHOLD = 0.5;

/**
 * Brings the foreground's probability back to the volume's grid and makes the mask: nnU-Net v1's
 * `save_segmentation_nifti_from_softmax`, with postprocessing.
 *
 * @param probability on the network's grid
 * @returns arrays on the volume's own grid
 */
export function exportSegmentation(
  probability: Array3<Float32Array>,
  properties: Properties,
  info: ModelInfo,
  saveProbability: boolean,
): { mask: Uint8Array; probability: Float32Array | undefined } {
  const { volumeShape, cropBox, orienting, sizeAfterCropping, originalSpacing } = properties;
  const untransposed = rearrange(probability, inverse(transposition(info.transposeForward)), float32);
  // The original compares the untransposed spacing with the network's transposed one, and takes an axis found
  // in either for one of the untransposed array. Kept, for the same result.
  const separate = separateAxis(originalSpacing, info.spacing);
  const oriented = resampleProbability(untransposed, sizeAfterCropping, separate);
  const restored = rearrange(oriented, inverse(orienting), float32);

  const mask = { data: uint8(elements(volumeShape)), shape: volumeShape };
  placeInBox(threshold(restored), cropBox, mask);
  if (info.postprocessing.keepLargestComponent) keepLargestComponents(mask);
  if (!saveProbability) return { mask: mask.data, probability: undefined };
  const whole = { data: float32(elements(volumeShape)), shape: volumeShape };
  placeInBox(restored, cropBox, whole);
  return { mask: mask.data, probability: whole.data };
}

function threshold({ data, shape }: Array3<Float32Array>): Array3<Uint8Array> {
  const mask = uint8(data.length);
  for (let i = 0; i < data.length; i++) mask[i] = (data[i] as number) > THRESHOLD ? 1 : 0;
  return { data: mask, shape };
}
