import type { Volume, VoxelArray } from '../../dicom/volume.ts';
import type { Mode } from '../../inference-mode.ts';
import { extentOf } from '../components/zeros.ts';
import type { ExecutionProvider } from '../inference/execution-provider.ts';
import type { NetworkFile } from '../model/file-stamp.ts';
import type { ModelInfo } from '../model/model-info.ts';
import type { SegmentedVolume } from '../segment-volume.ts';
import type { SegmentationErrorCode } from '../segmentation-error.ts';

/** What a process is for, from its first volume to its end. */
export interface LoadedModel {
  readonly info: ModelInfo;
  readonly networks: readonly NetworkFile[];
  readonly threads: number;
  readonly executionProviders: readonly ExecutionProvider[];
}

/** How one volume is segmented. */
interface Work {
  readonly saveProbability: boolean;
  readonly mode: Mode;
}

/** The first that the process is sent. */
interface Begin {
  readonly type: 'begin';
  readonly model: LoadedModel;
}

/** The voxels follow as bytes. */
export interface SegmentRequest extends Work {
  readonly type: 'segment';
  readonly volume: Omit<Volume, 'voxels'>;
  readonly voxels: Numbers;
}

/** What the process is sent. */
export type ProcessRequest = Begin | SegmentRequest;

/** What its thread is sent. */
export interface SegmentTask extends Work {
  readonly volume: Volume;
}

interface Progress {
  readonly type: 'progress';
  readonly done: number;
  readonly total: number;
}
interface Warning {
  readonly type: 'warning';
  readonly message: string;
}
interface Failed {
  readonly type: 'failed';
  readonly code: SegmentationErrorCode | undefined;
  readonly message: string;
}
/** Whether the next volume may come, or the process is better ended. */
interface Kept {
  readonly keeps: boolean;
}

export type ThreadAnswer =
  | Progress
  | Warning
  | Failed
  | ({ readonly type: 'done'; readonly segmentation: SegmentedVolume } & Kept);

/** What the process answers; the numbers of the arrays follow as bytes, in their order here. */
export type SegmentAnswer =
  | Progress
  | Warning
  | Failed
  | ({
      readonly type: 'done';
      readonly voxelRange: SegmentedVolume['voxelRange'];
      readonly seconds: SegmentedVolume['seconds'];
      readonly mask: Part;
      readonly softMask: Part;
      readonly probability: Part | undefined;
    } & Kept);

/** An array of which nothing is sent but what lies between its first and its last number that is not 0. */
export interface Part {
  readonly length: number;
  readonly first: number;
  readonly end: number;
}

const KINDS = { Int16Array, Uint16Array, Uint8Array, Float32Array } as const;

/** Which typed array is sent, and how many numbers it has. */
export interface Numbers {
  readonly kind: keyof typeof KINDS;
  readonly length: number;
}

export function numbersOf(voxels: VoxelArray): Numbers {
  const kind = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((name) => voxels instanceof KINDS[name]);
  if (!kind) throw new TypeError('voxels of a kind that no volume has');
  return { kind, length: voxels.length };
}

export function arrayOf({ kind, length }: Numbers): VoxelArray {
  return new KINDS[kind](length);
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: VoxelArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** @param region outside of which nothing but 0 is */
export function partOf(
  array: Uint8Array | Float32Array,
  region: { readonly first: number; readonly end: number } = { first: 0, end: array.length },
): Part {
  const { first, end } = extentOf(bytesOf(array.subarray(region.first, region.end)));
  const index = (at: number) => region.first + at / array.BYTES_PER_ELEMENT;
  return { length: array.length, first: Math.floor(index(first)), end: Math.ceil(index(end)) };
}
