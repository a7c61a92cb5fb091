import '../telemetry-off.ts';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Volume, VoxelArray } from '../dicom/volume.ts';
import type { Mode } from '../inference-mode.ts';
import type { ExecutionProvider } from './inference/execution-provider.ts';
import type { Model } from './model/model-folder.ts';
import type { ModelInfo } from './model/model-info.ts';
import type { Segmentation, SegmentVolumeOptions } from './segment-volume.ts';
import { SegmentationError, type SegmentationErrorCode } from './segmentation-error.ts';

/** How networks are run: nothing of it changes what they find. */
export interface InferenceOptions {
  /** Threads of the network; default: as many as the machine runs at once. */
  readonly threads?: number | undefined;
  /** In order of preference; default: the CPU alone. */
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
  /** Told of each execution provider that could not be used, and why. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

export interface SegmentOptions extends SegmentVolumeOptions, InferenceOptions {}

/** What the worker is started with. */
export interface SegmentRequest {
  readonly volume: Volume;
  readonly info: ModelInfo;
  readonly networks: readonly string[];
  readonly threads: number;
  readonly executionProviders: readonly ExecutionProvider[];
  readonly saveProbability: boolean;
  readonly mode: Mode;
}

/** What the worker says. It listens for one message, of whatever content: stop. */
export type SegmentAnswer =
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'done'; readonly segmentation: Segmentation }
  | { readonly type: 'failed'; readonly code: SegmentationErrorCode | undefined; readonly message: string };

/**
 * Segments a volume in a thread of its own, so that this one stays free; the thread and the network's memory
 * are gone when the promise settles. The voxels are copied to it unless they lie in a SharedArrayBuffer.
 *
 * @throws {SegmentationError} VOLUME_UNUSABLE, MODEL_INVALID, INFERENCE_FAILED; the signal's reason when
 *   aborted
 */
export async function segment(
  volume: Volume,
  model: Model,
  options: SegmentOptions = {},
): Promise<Segmentation> {
  const { signal } = options;
  signal?.throwIfAborted();
  const request: SegmentRequest = {
    volume: { ...volume, voxels: withOwnBuffer(volume.voxels) },
    info: model.info,
    networks: model.networks,
    threads: options.threads ?? availableParallelism(),
    executionProviders: options.executionProviders ?? ['cpu'],
    saveProbability: options.saveProbability ?? false,
    mode: options.mode ?? 'exact',
  };
  // A packed release holds the same file as JavaScript.
  const worker = new Worker(new URL(`./segment-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData: request,
  });
  const stop = () => worker.postMessage('stop', []);
  signal?.addEventListener('abort', stop);
  try {
    return await answerOf(worker, options);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Waits for the thread's end too, so that its memory is free again. */
function answerOf(worker: Worker, { onProgress, onWarning }: SegmentOptions): Promise<Segmentation> {
  return new Promise((resolve, reject) => {
    let segmentation: Segmentation | undefined;
    let failure: Error | undefined;
    worker.on('message', (answer: SegmentAnswer) => {
      switch (answer.type) {
        case 'progress':
          onProgress?.(answer.done, answer.total);
          break;
        case 'warning':
          onWarning?.(answer.message);
          break;
        case 'done':
          segmentation = answer.segmentation;
          break;
        case 'failed':
          failure = new SegmentationError(answer.code ?? 'INFERENCE_FAILED', answer.message);
          break;
      }
    });
    worker.on('error', (error) => {
      failure ??= new SegmentationError('INFERENCE_FAILED', `segmentation broke off: ${String(error)}`, {
        cause: error,
      });
    });
    worker.on('exit', (code) => {
      if (segmentation) resolve(segmentation);
      else
        reject(
          failure ?? new SegmentationError('INFERENCE_FAILED', `its thread ended early with code ${code}`),
        );
    });
  });
}

/** Posting a view copies all of the buffer below it. */
function withOwnBuffer(voxels: VoxelArray): VoxelArray {
  return voxels.byteLength === voxels.buffer.byteLength ? voxels : voxels.slice();
}
