import { DicomError } from '../dicom-error.ts';
import { decodeFrame } from '../pixels/pixels.ts';
import { type Instance, number } from '../reading/dataset.ts';
import { checkImage, isLossy } from './image-checks.ts';
import { type ImageFrame, imageFrames } from './image-frame.ts';
import { readRescale } from './rescale.ts';
import { describeFrames, type SeriesVolume, type VolumeOptions } from './series-volume.ts';
import { VoxelPlanes } from './voxel-planes.ts';

export interface BuilderOptions extends VolumeOptions {
  /** How many planes will come, where that is known: then the voxels' memory never has to grow. */
  readonly expectedPlanes?: number;
}

/** Lossless images have a half or a tenth of their size, lossy ones a hundredth. */
const MAX_EXPANSION = 200;
/** Images of nothing have hardly any size; a series has a few of them. */
const EXPANSION_ALLOWANCE_BYTES = 64 * 2 ** 20;

/**
 * Builds the same volume as `buildVolume`, from images that come one by one: their pixels are decoded into
 * the volume as they come, and their bytes are let go, so that a series is in memory once.
 */
export class SeriesVolumeBuilder {
  readonly #options: BuilderOptions;
  readonly #frames: ImageFrame[] = [];
  #planes: VoxelPlanes | undefined;
  /** Pixels per plane: of the first one; others are refused in the end. */
  #planeLength = 0;
  #lossy = false;
  /** Of all images that were added. */
  #encodedBytes = 0;
  #decodedBytes = 0;

  constructor(options: BuilderOptions = {}) {
    this.#options = options;
  }

  /**
   * Takes one image with all its frames, or with those that are wanted. Calls may overlap: then several
   * frames are decoded at once. Throws as `buildVolume` does for what is wrong with this image.
   */
  async add(instance: Instance, wanted: (frame: ImageFrame) => boolean = () => true): Promise<void> {
    checkImage(instance);
    this.#lossy ||= isLossy(instance);
    const frames = imageFrames(instance).filter(wanted);
    const first = this.#frames.length;
    const header = { ...instance, frames: [] };
    this.#frames.push(...frames.map((frame) => ({ ...frame, instance: header })));
    for (const [i, frame] of frames.entries()) await this.#decode(frame, first + i);
  }

  /** How many frames were taken. */
  get planeCount(): number {
    return this.#frames.length;
  }

  /**
   * The volume of all images that were added. Throws as `buildVolume` does for what is wrong with the series.
   */
  finish(): SeriesVolume {
    if (!this.#planes) throw new DicomError('DICOM_GEOMETRY', 'the series has no images');
    const { stack, slices, warnings } = describeFrames(this.#frames, this.#options);
    const { order, size, affine } = stack;
    this.#planes.arrange(order);
    const voxels = this.#planes.voxels(order.length);
    return { volume: { voxels, size, affine }, slices, lossy: this.#lossy, warnings };
  }

  /** Before it is decoded: pixels that take no bytes could fill the memory. */
  #count({ dataset, frames, source }: Instance, index: number): void {
    this.#encodedBytes += frames[index]?.length ?? 0;
    this.#decodedBytes += 2 * (number(dataset, 'Rows') ?? 0) * (number(dataset, 'Columns') ?? 0);
    const most = EXPANSION_ALLOWANCE_BYTES + MAX_EXPANSION * this.#encodedBytes;
    if (this.#decodedBytes <= most) return;
    const what = `${this.#encodedBytes} bytes of compressed pixels become ${this.#decodedBytes}`;
    throw new DicomError('DICOM_UNREADABLE', `${source}: ${what}: no images are compressed like that`);
  }

  async #decode({ instance, index, attributes, label }: ImageFrame, plane: number): Promise<void> {
    const rescale = readRescale(attributes, label);
    this.#count(instance, index);
    const stored = await decodeFrame(instance, index);
    this.#planeLength ||= stored.length;
    // Planes of several sizes are refused in the end, with all that is wrong.
    if (stored.length !== this.#planeLength) return;
    this.#planes ??= new VoxelPlanes(this.#options.expectedPlanes ?? 1, stored.length);
    this.#planes.write(plane, stored, rescale);
  }
}
