import type { Volume } from '../../dicom/volume.ts';
import type { Segmentation } from '../segment-volume.ts';
import type { LoadedModel } from './messages.ts';
import { ModelProcess, type VolumeOptions } from './model-process.ts';

interface Held {
  readonly model: string;
  readonly process: ModelProcess;
}

interface Idle extends Held {
  readonly timer: NodeJS.Timeout;
}

/**
 * The processes that hold models: one for each volume that is segmented at a time, which stays for the next
 * volume of its model. There are never more of them than volumes have been segmented at the same time, since
 * another model ends one that is idle before its own starts: memory goes back with its process alone.
 */
export class ModelProcesses {
  readonly #program: URL;
  readonly #idleMs: number;
  /** The one that has been idle longest first. */
  #idle: Idle[] = [];
  #atWork = 0;

  /** @param idleMs a process without work ends after this */
  constructor({ program, idleMs }: { readonly program: URL; readonly idleMs: number }) {
    this.#program = program;
    this.#idleMs = idleMs;
  }

  /**
   * Starts the process for a volume that is to come soon, where none is at work: then it takes the place of
   * one that is idle.
   */
  async warm(model: LoadedModel): Promise<void> {
    if (this.#atWork === 0) await this.#rest(await this.#take(model));
  }

  /**
   * @throws SegmentationError; the signal's reason, as soon as the process has ended that worked on it
   */
  async segment(
    volume: Volume,
    model: LoadedModel,
    { signal, ...options }: VolumeOptions & { readonly signal?: AbortSignal | undefined },
  ): Promise<Segmentation> {
    signal?.throwIfAborted();
    this.#atWork++;
    try {
      return await this.#segment(volume, await this.#take(model), signal, options);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      this.#atWork--;
    }
  }

  async #segment(
    volume: Volume,
    held: Held,
    signal: AbortSignal | undefined,
    options: VolumeOptions,
  ): Promise<Segmentation> {
    const stop = (): void => void held.process.end();
    signal?.addEventListener('abort', stop);
    try {
      signal?.throwIfAborted();
      return await held.process.segment(volume, options);
    } finally {
      signal?.removeEventListener('abort', stop);
      await this.#rest(held);
    }
  }

  /** Ends those that are idle. */
  async end(): Promise<void> {
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ process }) => process.end()));
  }

  async #take(model: LoadedModel): Promise<Held> {
    const name = JSON.stringify(model);
    this.#idle = this.#idle.filter(({ process }) => process.isFit);
    const idle = this.#idle.find((one) => one.model === name) ?? this.#idle[0];
    if (idle) {
      this.#idle = this.#idle.filter((one) => one !== idle);
      clearTimeout(idle.timer);
      idle.process.keepAwake(true);
      if (idle.model === name) return idle;
      await idle.process.end();
    }
    return { model: name, process: new ModelProcess(model, this.#program) };
  }

  async #rest({ model, process }: Held): Promise<void> {
    if (!process.isFit) return process.end();
    process.keepAwake(false);
    const timer = setTimeout(() => void process.end(), this.#idleMs).unref();
    this.#idle.push({ model, process, timer });
  }
}
