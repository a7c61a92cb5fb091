import { setImmediate } from 'node:timers/promises';
import { DicomError } from '../dicom-error.ts';
import { decodePool } from '../pixels/decode-pool.ts';
import { decodeFrame } from '../pixels/pixels.ts';
import { type DicomDataset, type Instance, text } from '../reading/dataset.ts';
import type { Volume } from '../volume.ts';
import { describeDistinctions } from './distinctions.ts';
import { type PlaneStack, planeGeometry, stackPlanes } from './geometry.ts';
import {
  checkImage,
  checkSeries,
  identityProblems,
  isLossy,
  refuseLongUids,
  valueWarnings,
} from './image-checks.ts';
import { type ImageFrame, imageFrames } from './image-frame.ts';
import { kindProblem } from './one-kind.ts';
import { type Rescale, readRescale } from './rescale.ts';
import { VoxelPlanes } from './voxel-planes.ts';

/** Where one plane of a volume came from. */
export interface SourceSlice {
  /** Empty where the image has none and the volume was built without identity; so is the next. */
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Counted from 1; only for multi-frame instances. */
  readonly frameNumber?: number;
  /** The instance's header, without pixel data. */
  readonly dataset: DicomDataset;
}

/** A series as one volume in patient space. `slices[k]` is plane k. */
export interface SeriesVolume {
  /**
   * Real values: HU for CT. In-plane as stored: x along columns, y along rows; planes ascend along row x
   * column.
   */
  readonly volume: Volume<Int16Array | Float32Array>;
  readonly slices: readonly SourceSlice[];
  /** Whether the pixels went through lossy compression at any time. */
  readonly lossy: boolean;
  readonly warnings: readonly string[];
}

export interface VolumeOptions {
  /**
   * `required` (the default) refuses images that no result could refer to. With `optional` their volume is
   * built, and what is missing is among the warnings: write no DICOM of such images.
   */
  readonly identity?: 'required' | 'optional';
}

/**
 * Builds the volume of one series from its CT or MR images, classic or enhanced, in any order. Voxels are
 * Int16 where slope and intercept of every slice are integers and all values fit, else Float32. Throws
 * DICOM_ATTRIBUTE where identity, place or value of a slice would be a guess, DICOM_GEOMETRY where the slices
 * make no even volume, DICOM_TRANSFER_SYNTAX and DICOM_UNREADABLE for their pixels.
 */
export async function buildVolume(
  instances: readonly Instance[],
  options: VolumeOptions = {},
): Promise<SeriesVolume> {
  if (instances.length === 0) throw new DicomError('DICOM_GEOMETRY', 'the series has no images');
  for (const instance of instances) checkImage(instance);
  return buildFrameVolume(instances.flatMap(imageFrames), options);
}

/** As `buildVolume`, from frames of images that belong together: those of one part of a series. */
export async function buildFrameVolume(
  frames: readonly ImageFrame[],
  options: VolumeOptions = {},
): Promise<SeriesVolume> {
  const instances = instancesOf(frames);
  for (const instance of instances) checkImage(instance);
  const { stack, slices, warnings } = describeFrames(frames, options);
  const rescales = frames.map(({ attributes, label }) => readRescale(attributes, label));
  const voxels = await decodeVoxels(frames, rescales, stack);
  const { size, affine } = stack;
  return { volume: { voxels, size, affine }, slices, lossy: instances.some(isLossy), warnings };
}

/** What the headers of a volume's frames say; the pixels may still be on their way. */
export interface FramesDescription {
  readonly stack: PlaneStack;
  readonly slices: readonly SourceSlice[];
  readonly warnings: readonly string[];
}

/**
 * Checks identity and geometry of frames that are to be one volume. Throws DICOM_ATTRIBUTE and
 * DICOM_GEOMETRY.
 */
export function describeFrames(
  frames: readonly ImageFrame[],
  { identity = 'required' }: VolumeOptions,
): FramesDescription {
  const instances = instancesOf(frames);
  refuseLongUids(instances);
  const problems = identityProblems(instances);
  if (identity === 'required' && problems.length > 0) {
    throw new DicomError('DICOM_ATTRIBUTE', problems.join('; '));
  }
  const warnings = [...problems, ...checkSeries(instances)];
  // Before places are asked for: images of another kind may well stand at even places.
  const mixed = kindProblem(frames);
  if (mixed !== undefined) throw new DicomError('DICOM_GEOMETRY', `the images are no volume: ${mixed}`);
  const stack = stackFrames(frames);
  return {
    stack,
    slices: stack.order.flatMap((i) => (frames[i] ? [sliceOf(frames[i])] : [])),
    warnings: [...warnings, ...valueWarnings(frames.map(({ attributes }) => attributes))],
  };
}

function instancesOf(frames: readonly ImageFrame[]): Instance[] {
  return [...new Set(frames.map(({ instance }) => instance))];
}

function sliceOf({ instance: { dataset }, frameNumber }: ImageFrame): SourceSlice {
  return {
    sopClassUid: text(dataset, 'SOPClassUID') ?? '',
    sopInstanceUid: text(dataset, 'SOPInstanceUID') ?? '',
    ...(frameNumber === undefined ? {} : { frameNumber }),
    dataset,
  };
}

/** As `stackPlanes`; where the frames make no volume, the reason says what parts of them differ in. */
function stackFrames(frames: readonly ImageFrame[]): PlaneStack {
  const planes = frames.map(({ attributes, label }) => planeGeometry(attributes, label));
  try {
    return stackPlanes(planes);
  } catch (cause) {
    const distinctions = describeDistinctions(frames);
    if (!(cause instanceof DicomError) || distinctions === '') throw cause;
    throw new DicomError(cause.code, `${cause.message}; the images differ in ${distinctions}`, { cause });
  }
}

/** Decodes frame by frame into one array, so that a series is in memory once as pixels. */
async function decodeVoxels(
  frames: readonly ImageFrame[],
  rescales: readonly Rescale[],
  { order, size }: PlaneStack,
): Promise<Int16Array | Float32Array> {
  const integer = rescales.every(
    ({ slope, intercept }) => Number.isInteger(slope) && Number.isInteger(intercept),
  );
  const planes = new VoxelPlanes(order.length, size[0] * size[1], integer);
  const todo = order.entries();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const [plane, i] of todo) {
      const [frame, rescale] = [frames[i], rescales[i]];
      if (failed || !frame || !rescale) return;
      planes.write(plane, await decodeFrame(frame.instance, frame.index), rescale);
      await setImmediate(); // a server in the same process answers between frames
    }
  };
  try {
    await Promise.all(Array.from({ length: decodePool.size }, work));
  } finally {
    failed = true; // where one frame failed, those behind it are not begun
  }
  return planes.voxels(order.length);
}
