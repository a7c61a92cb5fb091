import { DicomError } from '../../dicom/dicom-error.ts';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import type { Affine, Size } from '../../dicom/volume.ts';
import type { GreyWindow } from '../../pictures/grey-window.ts';
import { planesThrough } from '../../pictures/views.ts';
import { ctPresets, mrPresets } from '../../pictures/window-presets.ts';
import { retrieveSeries } from '../../pipeline/run/retrieve-series.ts';
import { describeSeries } from '../../pipeline/selection/describe-series.ts';
import type { PartOfSeries } from '../../pipeline/selection/select.ts';
import { readGivenSegmentation } from '../../seg/read-segmentation.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';

/** The images of a result with its mask, on their own grid. */
export interface LoadedImages {
  readonly size: Size;
  readonly affine: Affine;
  /** Stored values: `value = stored * slope + intercept`. Of CT they are HU themselves. */
  readonly stored: Int16Array;
  readonly slope: number;
  readonly intercept: number;
  /** One byte per voxel, 1 inside the pancreas; all 0 where nothing was found. */
  readonly mask: Uint8Array;
  /** Where the pancreas is largest, or the middle of the grid. */
  readonly planes: readonly [x: number, y: number, z: number];
  /** Along each axis the first and the last plane with pancreas in it; undefined where nothing was found. */
  readonly extents: readonly Extent[] | undefined;
  /** The first is shown first. */
  readonly windows: readonly GreyWindow[];
}

interface Extent {
  readonly first: number;
  readonly last: number;
}

type Archive = Pick<
  ImageArchive,
  'retrieveSeries' | 'retrieveInstance' | 'searchInstances' | 'storedInstances' | 'seriesMetadata'
>;

/**
 * Fetches the images that a result was measured in, and its SEG, from the archive. Throws as `retrieveSeries`
 * and `readGivenSegmentation`; DICOM_WEB_ANSWER where the archive does not hold that part any more.
 */
export async function loadImages(
  archive: Archive,
  result: Pick<VolumeRecord, 'studyInstanceUid' | 'seriesInstanceUid' | 'part' | 'class' | 'seg'>,
): Promise<LoadedImages> {
  const { studyInstanceUid, seriesInstanceUid, seg } = result;
  const part = result.part === '' ? undefined : await findPart(archive, result);
  const builder = await retrieveSeries(
    archive,
    { studyInstanceUid },
    { seriesInstanceUid, ...(part ? { part } : {}) },
  );
  const source = builder.finish();
  const { voxels, size, affine } = source.volume;
  const mask = seg
    ? await readGivenSegmentation(
        await archive.retrieveInstance(studyInstanceUid, seg.seriesInstanceUid, seg.sopInstanceUid),
        source,
      )
    : new Uint8Array(voxels.length);
  const [nx, ny, nz] = size;
  return {
    size,
    affine,
    ...asInt16(voxels),
    mask,
    planes: planesThrough(size, mask) ?? [nx >> 1, ny >> 1, nz >> 1],
    extents: extentsOf(mask, size),
    windows: result.class === 'CT' ? ctPresets() : mrPresets(voxels, mask),
  };
}

async function findPart(
  archive: Archive,
  {
    studyInstanceUid,
    seriesInstanceUid,
    part,
  }: Pick<VolumeRecord, 'studyInstanceUid' | 'seriesInstanceUid' | 'part'>,
): Promise<PartOfSeries> {
  const parts = await describeSeries(archive, studyInstanceUid, [{ SeriesInstanceUID: seriesInstanceUid }]);
  const found = parts.find((one) => one.part?.name === part)?.part;
  if (found) return found;
  throw new DicomError(
    'DICOM_WEB_ANSWER',
    `series ${seriesInstanceUid}: the archive has no part ${part} of it`,
  );
}

function extentsOf(mask: Uint8Array, [nx, ny, nz]: Size): Extent[] | undefined {
  const first = [nx, ny, nz];
  const last = [-1, -1, -1];
  let index = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, index++) {
        if (mask[index] === 0) continue;
        for (const [axis, plane] of [x, y, z].entries()) {
          first[axis] = Math.min(first[axis] ?? plane, plane);
          last[axis] = Math.max(last[axis] ?? plane, plane);
        }
      }
    }
  }
  if (last[0] === -1) return undefined;
  return first.map((plane, axis) => ({ first: plane, last: last[axis] ?? plane }));
}

const INT16_STEPS = 65_535;
const INT16_LEAST = -32_768;

/** To 16 bits, which is as fine as the stored values of any scanner, and more than a screen shows. */
function asInt16(voxels: Int16Array | Float32Array): Pick<LoadedImages, 'stored' | 'slope' | 'intercept'> {
  if (voxels instanceof Int16Array) return { stored: voxels, slope: 1, intercept: 0 };
  const whole = Int16Array.from(voxels);
  if (voxels.every((value, index) => value === whole[index]))
    return { stored: whole, slope: 1, intercept: 0 };
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of voxels) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const slope = high > low ? (high - low) / INT16_STEPS : 1;
  const stored = new Int16Array(voxels.length);
  for (const [index, value] of voxels.entries()) {
    stored[index] = Math.round((value - low) / slope) + INT16_LEAST;
  }
  return { stored, slope, intercept: low - INT16_LEAST * slope };
}
