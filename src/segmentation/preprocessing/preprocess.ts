import type { Volume } from '../../dicom/volume.ts';
import {
  type Arrangement,
  type Array3,
  float32,
  permuted,
  rearrange,
  type Shape3,
  transposition,
} from '../array3.ts';
import { SegmentationError } from '../errors.ts';
import type { ModelInfo } from '../model/model-info.ts';
import {
  resampledShape,
  resampleImage,
  resampleMask,
  type Spacing,
  separateAxis,
} from '../resampling/resample.ts';
import { type Box, cropToFloat32, nonzeroBox, nonzeroMask } from './crop.ts';
import { normalize } from './normalize.ts';
import { arrangedSpacing, arrangementTo } from './orientation.ts';

/** What is needed to bring a result back to the volume's grid. */
export interface Properties {
  /** Shape of the volume, [z, y, x]. */
  readonly volumeShape: Shape3;
  readonly cropBox: Box;
  /** From the volume's axes to those of the model's orientation. */
  readonly orienting: Arrangement;
  /** In the model's orientation, before transpose_forward. */
  readonly sizeAfterCropping: Shape3;
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
  const [nx, ny, nz] = volume.size;
  const volumeShape: Shape3 = [nz, ny, nx];
  const stored = { data: volume.voxels, shape: volumeShape };
  const cropBox = nonzeroBox(stored);
  const orienting = arrangementTo(volume.affine, info.orientation);
  const cropped = rearrange(cropToFloat32(stored, cropBox), orienting, float32);
  const originalSpacing = arrangedSpacing(volume.affine, orienting);
  const properties = { volumeShape, cropBox, orienting, sizeAfterCropping: cropped.shape, originalSpacing };

  const transposed = rearrange(cropped, transposition(info.transposeForward), float32);
  const spacing = permuted(originalSpacing, info.transposeForward);
  const shape = resampledShape(transposed.shape, spacing, info.spacing);
  if (!shape.every((length) => length >= 1)) {
    const extent = transposed.shape.map((length, axis) => `${length} x ${spacing[axis]} mm`).join(', ');
    throw new SegmentationError(
      'VOLUME_UNUSABLE',
      `what isn't zero is thinner than half a voxel of the model (${info.spacing.join(', ')} mm): ${extent}`,
    );
  }
  const separate = separateAxis(spacing, info.spacing);
  const image = resampleImage(transposed, shape, separate);
  const mask = info.normalization.useMaskForNorm
    ? resampleMask(nonzeroMask(transposed), shape, separate)
    : undefined;
  normalize(image.data, info.normalization, mask?.data);
  return { image, properties };
}
