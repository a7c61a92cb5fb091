import type { Volume } from '../../dicom/volume.ts';
import { type ArrayView, readView, transposed, viewOf } from '../array-view.ts';
import { type Array3, permuted, type Shape3 } from '../array3.ts';
import { type WindowedImage, wholeImage } from '../inference/windowed-image.ts';
import type { ModelInfo } from '../model/model-info.ts';
import { arrangedSpacing, arrangementTo } from '../model/orientation.ts';
import { resampledShape, resampleImage, type Spacing, separateAxis } from '../resampling/resample.ts';
import { resampleMask } from '../resampling/resample-mask.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { nonzeroBox, zeroNaN } from './crop.ts';
import { imageInWindows } from './image-in-windows.ts';
import { nonzeroMask } from './nonzero-mask.ts';
import { normalize } from './normalize.ts';

/** What is needed to bring a result back to the volume's grid. */
export interface Properties {
  /** Shape of the volume, [z, y, x]. */
  readonly volumeShape: Shape3;
  /** What isn't zero of the volume, along the network's axes. */
  readonly cropped: ArrayView;
  /** mm, in the model's orientation, before transpose_forward. */
  readonly originalSpacing: Spacing;
}

export interface Preprocessed {
  /** On the network's grid, normalized. */
  readonly image: Array3<Float32Array>;
  readonly properties: Properties;
}

/**
 * nnU-Net v1's preprocessing of a case, in its order: crop to what isn't zero, transpose, resample,
 * normalize; the axes are brought to the model's orientation on the way.
 *
 * @throws {SegmentationError} VOLUME_UNUSABLE
 */
export function preprocess(volume: Volume, info: ModelInfo): Preprocessed {
  const { cropped, shape, separate, mask, properties } = prepare(volume, info);
  const image = resampleImage(cropped, shape, separate);
  normalize(image.data, info.normalization, mask?.data);
  return { image, properties };
}

/**
 * The same, but each window is made when it is read: most of an image is never looked at. Where what a voxel
 * becomes depends on all others (the z-score of the image itself), the image is made as a whole all the same.
 *
 * @throws as `preprocess`
 */
export function preprocessInWindows(
  volume: Volume,
  info: ModelInfo,
): { readonly image: WindowedImage; readonly properties: Properties } {
  const { normalization } = info;
  if (normalization.scheme !== 'CT' || normalization.useMaskForNorm) {
    const { image, properties } = preprocess(volume, info);
    return { image: wholeImage(image), properties };
  }
  const { cropped, shape, separate, properties } = prepare(volume, info);
  const image = imageInWindows(cropped, shape, separate, (voxels) => normalize(voxels, normalization));
  return { image, properties };
}

/** All that goes before resampling. */
function prepare(volume: Volume, info: ModelInfo) {
  const [nx, ny, nz] = volume.size;
  const volumeShape: Shape3 = [nz, ny, nx];
  const box = nonzeroBox({ data: volume.voxels, shape: volumeShape });
  const orienting = arrangementTo(volume.affine, info.orientation);
  const view = viewOf(volumeShape, box, transposed(orienting, info.transposeForward));
  const originalSpacing = arrangedSpacing(volume, orienting);
  const spacing = permuted(originalSpacing, info.transposeForward);
  const shape = resampledShape(view.shape, spacing, info.spacing);
  refuseVanishing(shape, view.shape, spacing, info.spacing);

  const cropped = { data: readView(volume.voxels, view), shape: view.shape };
  const separate = separateAxis(spacing, info.spacing);
  const mask = info.normalization.useMaskForNorm
    ? resampleMask(nonzeroMask(cropped), shape, separate)
    : undefined;
  zeroNaN(cropped.data, view, volumeShape);
  const properties: Properties = { volumeShape, cropped: view, originalSpacing };
  return { cropped, shape, separate, mask, properties };
}

function refuseVanishing(shape: Shape3, cropped: Shape3, spacing: Spacing, target: Spacing): void {
  if (shape.every((length) => length >= 1)) return;
  const extent = cropped.map((length, axis) => `${length} x ${spacing[axis]} mm`).join(', ');
  throw new SegmentationError(
    'VOLUME_UNUSABLE',
    `what isn't zero is thinner than half a voxel of the model (${target.join(', ')} mm): ${extent}`,
  );
}
