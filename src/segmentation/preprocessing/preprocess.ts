import type { Volume } from '../../dicom/volume.ts';
import { type ArrayView, plainView, readView, transposed, viewOf } from '../array-view.ts';
import { type Array3, permuted, type Shape3 } from '../array3.ts';
import { type WindowedImage, wholeImage } from '../inference/windowed-image.ts';
import type { ModelInfo } from '../model/model-info.ts';
import { arrangedSpacing, arrangementTo, closestInTurn } from '../model/orientation.ts';
import { resampledShape, resampleImage, type Spacing, separateAxis } from '../resampling/resample.ts';
import { resampleAs, separateAxisAs } from '../resampling/resample-as.ts';
import { resampleMask } from '../resampling/resample-mask.ts';
import type { Resampling } from '../resampling/resampling.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { nonzeroBox, zeroNaN } from './crop.ts';
import { imageInWindows } from './image-in-windows.ts';
import { nonzeroMask } from './nonzero-mask.ts';
import { normalize, normalizeFirst } from './normalize.ts';

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
  if (info.nnunetV2) return preprocessV2(volume, info, info.nnunetV2.resampling.data);
  const { shape, separate, properties } = planOf(volume, info);
  const { volumeShape, cropped: view } = properties;
  const cropped = { data: readView(volume.voxels, view), shape: view.shape };
  const mask = info.normalization.useMaskForNorm
    ? resampleMask(nonzeroMask(cropped), shape, separate)
    : undefined;
  zeroNaN(cropped.data, view, volumeShape);
  const image = resampleImage(cropped, shape, separate);
  normalize(image.data, info.normalization, mask?.data);
  return { image, properties };
}

/** nnU-Net v2's order: transpose, crop, normalize, and only then resample. */
function preprocessV2(volume: Volume, info: ModelInfo, resampling: Resampling): Preprocessed {
  const { shape, spacing, properties } = planOf(volume, info);
  const { volumeShape, cropped: view } = properties;
  const cropped = { data: readView(volume.voxels, view), shape: view.shape };
  const mask = info.normalization.useMaskForNorm ? nonzeroMask(cropped) : undefined;
  zeroNaN(cropped.data, view, volumeShape);
  normalizeFirst(cropped.data, info.normalization, mask?.data);
  const separate = separateAxisAs(resampling, spacing, info.spacing);
  return { image: resampleAs(cropped, shape, separate, resampling), properties };
}

/**
 * The same, but each window is made when it is read: most of an image is never looked at. Where what a voxel
 * becomes depends on all others (the z-score of the image itself), or is resampled when it is normalized
 * (nnU-Net v2), the image is made as a whole all the same.
 *
 * @throws as `preprocess`
 */
export function preprocessInWindows(
  volume: Volume,
  info: ModelInfo,
): { readonly image: WindowedImage; readonly properties: Properties } {
  const { normalization } = info;
  if (normalization.scheme !== 'CT' || normalization.useMaskForNorm || info.nnunetV2) {
    const { image, properties } = preprocess(volume, info);
    return { image: wholeImage(image), properties };
  }
  const { shape, separate, properties } = planOf(volume, info);
  const { data, view } = withoutNaN(volume, properties);
  const image = imageInWindows(data, view, shape, separate, (voxels) => normalize(voxels, normalization));
  return { image, properties };
}

/** What is to be resampled to what. */
function planOf(volume: Volume, info: ModelInfo) {
  const [nx, ny, nz] = volume.size;
  const volumeShape: Shape3 = [nz, ny, nx];
  const box = nonzeroBox({ data: volume.voxels, shape: volumeShape });
  const orienting = arrangementTo(volume.affine, info.orientation, info.nnunetV2 && closestInTurn);
  const cropped = viewOf(volumeShape, box, transposed(orienting, info.transposeForward));
  const originalSpacing = arrangedSpacing(volume, orienting);
  const spacing = permuted(originalSpacing, info.transposeForward);
  const shape = resampledShape(cropped.shape, spacing, info.spacing);
  refuseVanishing(shape, cropped.shape, spacing, info.spacing);
  const properties: Properties = { volumeShape, cropped, originalSpacing };
  return { shape, spacing, separate: separateAxis(spacing, info.spacing), properties };
}

/** Whole numbers are read where they lie: a copy of a large image costs more time than all of its windows. */
function withoutNaN({ voxels }: Volume, { volumeShape, cropped }: Properties) {
  if (!(voxels instanceof Float32Array)) return { data: voxels, view: cropped };
  const data = readView(voxels, cropped);
  zeroNaN(data, cropped, volumeShape);
  return { data, view: plainView(cropped.shape) };
}

function refuseVanishing(shape: Shape3, cropped: Shape3, spacing: Spacing, target: Spacing): void {
  if (shape.every((length) => length >= 1)) return;
  const extent = cropped.map((length, axis) => `${length} x ${spacing[axis]} mm`).join(', ');
  throw new SegmentationError(
    'VOLUME_UNUSABLE',
    `what isn't zero is thinner than half a voxel of the model (${target.join(', ')} mm): ${extent}`,
  );
}
