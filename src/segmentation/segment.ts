import '../telemetry-off.ts';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import type { Volume } from '../dicom/volume.ts';
import { ModelProcesses } from './apart/model-processes.ts';
import type { ExecutionProvider } from './inference/execution-provider.ts';
import type { Model } from './model/model-folder.ts';
import type { Segmentation, SegmentVolumeOptions } from './segment-volume.ts';

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

/** Scanners send a study every few minutes; a site that is at rest gets its memory back. */
const IDLE_MS = 5 * 60_000;

/** Those that all studies of this program share. A packed release holds the same file as JavaScript. */
const processes = new ModelProcesses({
  program: new URL(`./apart/segment-process${extname(import.meta.filename)}`, import.meta.url),
  idleMs: IDLE_MS,
});

/**
 * Segments a volume in a process of its own, so that this one stays free and nothing that happens there ends
 * it. The process stays for a while, with the network in its memory, for the next volume of the same model.
 *
 * @throws {SegmentationError} VOLUME_UNUSABLE, MODEL_INVALID, INFERENCE_FAILED; the signal's reason when
 *   aborted, without waiting for the network
 */
export async function segment(
  volume: Volume,
  model: Model,
  { threads, executionProviders, ...options }: SegmentOptions = {},
): Promise<Segmentation> {
  return processes.segment(volume, loadedModel(model, { threads, executionProviders }), options);
}

/**
 * Loads a model's network while the images that it is for are on their way. What fails, the volume will tell.
 */
export function expectVolume(model: Model, options: InferenceOptions): void {
  processes.warm(loadedModel(model, options)).catch(() => undefined);
}

const loadedModel = (
  { info, networks, stamps }: Model,
  { threads, executionProviders = ['cpu'] }: InferenceOptions,
) => ({
  info,
  networks: networks.map((file) => ({ file, stamp: stamps.get(file) ?? '' })),
  threads: threads ?? availableParallelism(),
  executionProviders,
});
