import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';
import { SeriesVolumeBuilder } from '../../dicom/geometry/series-volume-builder.ts';
import { imageKey } from '../../dicom/geometry/split-series.ts';
import { spacingOf, type Volume, type VoxelArray } from '../../dicom/volume.ts';
import { gridOfVolume, type NiftiGrid } from '../../nifti/grid.ts';
import { readNifti } from '../../nifti/read-nifti.ts';
import { pancreasSegmentNumber } from '../../seg/read-frames.ts';
import { segmentOnSeries } from '../../seg/read-segmentation.ts';
import { fileOnDisk } from '../../segment-input/file-source.ts';
import { readInstanceFile } from '../../segment-input/read-folder.ts';
import { EvaluationError } from '../evaluation-error.ts';
import type { Grid } from './grids.ts';
import type { ImageSource, MaskSource } from './sources.ts';

/** A mask, 0 or 1, and where it lies. */
export interface Mask extends Grid {
  readonly voxels: Uint8Array;
}

export interface LoadedImage {
  readonly volume: Volume;
  /** Only of DICOM: what SEGs are laid on. */
  readonly series: SeriesVolume | undefined;
  /** What a result on the same voxels is written with. */
  readonly grid: NiftiGrid;
  /** False where a NIfTI file does not say how its axes lie. */
  readonly hasOrientation: boolean;
}

export async function loadImage(image: ImageSource): Promise<LoadedImage> {
  if (image.kind === 'nifti') {
    const { volume, grid, hasOrientation } = await readNifti(image.file);
    return { volume, series: undefined, grid, hasOrientation };
  }
  const builder = new SeriesVolumeBuilder({ identity: 'optional' });
  const wanted = image.part && new Set(image.part);
  for (const file of image.files)
    await builder.add(
      await readInstanceFile(fileOnDisk(file)),
      (frame) => wanted === undefined || wanted.has(imageKey(frame)),
    );
  const series = builder.finish();
  return { volume: series.volume, series, grid: gridOfVolume(series.volume), hasOrientation: true };
}

/**
 * Reads a mask.
 * @param values of a label map that are the pancreas, or numbers of a SEG's segments; left out: all above 0,
 *   or the segment that is coded as pancreas
 * @param series what a SEG is laid on
 */
export async function loadMask(
  source: MaskSource,
  values: readonly number[] | undefined,
  series: SeriesVolume | undefined,
): Promise<Mask> {
  if (source.kind === 'nifti') {
    const { volume } = await readNifti(source.file);
    return { ...gridOf(volume), voxels: insideOf(volume.voxels, values, source.file) };
  }
  if (!series) {
    const problem = `${source.file} is a DICOM SEG, which needs its images: give their folder with --images`;
    throw new EvaluationError('CASE_INCOMPLETE', problem);
  }
  const instance = await readInstanceFile(fileOnDisk(source.file));
  const pancreas = pancreasSegmentNumber(instance.dataset);
  const segments = values ?? (pancreas === undefined ? [] : [pancreas]);
  if (segments.length === 0)
    throw new EvaluationError(
      'LABEL_VALUES',
      `${source.file} has no pancreas segment; name one by its number`,
    );
  const voxels = new Uint8Array(series.volume.voxels.length);
  for (const segment of segments) {
    const inside = segmentOnSeries(instance, segment, series, { sourcesNamed: false });
    for (let i = 0; i < inside.length; i++) if (inside[i] !== 0) voxels[i] = 1;
  }
  return { ...gridOf(series.volume), voxels };
}

const gridOf = ({ size, affine, spacing }: Volume): Grid => ({
  size,
  affine,
  spacing: spacing ?? spacingOf(affine),
});

/** 1 where a label map has one of the values. A map of probabilities, or of distances, is no label map. */
function insideOf(voxels: VoxelArray, values: readonly number[] | undefined, file: string): Uint8Array {
  const wanted = values && new Set(values);
  const mask = new Uint8Array(voxels.length);
  for (let i = 0; i < voxels.length; i++) {
    const value = voxels[i] as number;
    if (value === 0) continue;
    if (!(value > 0) || !Number.isInteger(value)) {
      const problem = `voxel ${i} is ${value}; labels are whole numbers from 0 on`;
      throw new EvaluationError('LABEL_VALUES', `${file}: ${problem}`);
    }
    if (wanted === undefined || wanted.has(value)) mask[i] = 1;
  }
  return mask;
}
