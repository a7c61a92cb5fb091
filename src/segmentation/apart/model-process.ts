import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import type { Volume } from '../../dicom/volume.ts';
import type { Segmentation, SegmentVolumeOptions } from '../segment-volume.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { BYTES_FD, receiveBytes, sendBytes } from './byte-pipe.ts';
import {
  bytesOf,
  type LoadedModel,
  numbersOf,
  type Part,
  type ProcessRequest,
  type SegmentAnswer,
} from './messages.ts';

type Done = Extract<SegmentAnswer, { type: 'done' }>;

/** How one volume is segmented, and who is told. */
export interface VolumeOptions extends Omit<SegmentVolumeOptions, 'signal'> {
  /** Told of each execution provider that could not be used, and why. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** A process that has one model, and segments one volume after another. */
export class ModelProcess {
  readonly #child: ChildProcess;
  readonly #bytes: Socket;
  readonly #exit: Promise<void>;
  /** How it ended; undefined while it runs. */
  #ended: string | undefined;
  /** Told when it ends during work. */
  #whenEnded: () => void = ignored;
  #keeps = true;

  /** @param program the file that it runs */
  constructor(model: LoadedModel, program: URL) {
    this.#child = fork(program, {
      // Its own garbage is collected between volumes, so that what stays in memory is the network.
      execArgv: [...process.execArgv, '--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
    });
    const bytes = this.#child.stdio[BYTES_FD];
    if (!(bytes instanceof Socket)) throw new Error('the process for the network has no pipe');
    this.#bytes = bytes;
    // What goes wrong with the pipe goes wrong with the process, whose end is told.
    bytes.on('error', () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exit = promise;
    const end = (how: string): void => {
      this.#ended ??= how;
      resolve();
      this.#whenEnded();
    };
    this.#child.once('error', (error) => end(error.message));
    this.#child.once('exit', (code, signal) => end(signal ?? `code ${code}`));
    this.#send({ type: 'begin', model });
  }

  /** Whether it can take another volume. */
  get isFit(): boolean {
    return this.#keeps && this.#child.connected && this.#ended === undefined;
  }

  /** Whether this program waits for it: one without work keeps no process alive. */
  keepAwake(isAwake: boolean): void {
    for (const handle of [this.#child, this.#child.channel, this.#bytes]) {
      if (isAwake) handle?.ref();
      else handle?.unref();
    }
  }

  /**
   * One volume at a time; the first may come at once, and waits until the model is there.
   * @throws SegmentationError; where the process ended, INFERENCE_FAILED
   */
  async segment(
    volume: Volume,
    { saveProbability = false, mode = 'exact', onProgress, onWarning }: VolumeOptions,
  ): Promise<Segmentation> {
    const { voxels, ...grid } = volume;
    const { promise, resolve, reject } = Promise.withResolvers<Done>();
    promise.catch(ignored);
    const listen = (answer: SegmentAnswer): void => {
      if (answer.type === 'progress') onProgress?.(answer.done, answer.total);
      else if (answer.type === 'warning') onWarning?.(answer.message);
      else if (answer.type === 'done') resolve(answer);
      else reject(new SegmentationError(answer.code ?? 'INFERENCE_FAILED', answer.message));
    };
    this.#child.on('message', listen);
    try {
      return await this.#unlessEnded(async () => {
        const voxelsToCome = numbersOf(voxels);
        this.#send({ type: 'segment', volume: grid, voxels: voxelsToCome, saveProbability, mode });
        sendBytes(this.#bytes, bytesOf(voxels)).catch(ignored);
        const done = await promise;
        this.#keeps = done.keeps;
        return this.#received(done);
      });
    } catch (error) {
      // Images that are of no use leave nothing behind; after all else it starts anew.
      this.#keeps &&= error instanceof SegmentationError && error.code === 'VOLUME_UNUSABLE';
      throw error;
    } finally {
      this.#child.off('message', listen);
    }
  }

  /** Ends it in the middle of whatever it does; resolves when its memory is free. */
  async end(): Promise<void> {
    this.#keeps = false;
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** What cannot be sent is not answered: that the process is gone is told by its end. */
  #send(request: ProcessRequest): void {
    this.#child.send(request, ignored);
  }

  async #received({ mask, softMask, probability, ...rest }: Done): Promise<Segmentation> {
    const { voxelRange, seconds } = rest;
    const found = {
      mask: new Uint8Array(mask.length),
      softMask: new Uint8Array(softMask.length),
      probability: probability && new Float32Array(probability.length),
    };
    const place = (array: Uint8Array | Float32Array, { first, end }: Part): Uint8Array =>
      bytesOf(array.subarray(first, end));
    await receiveBytes(this.#bytes, [
      place(found.mask, mask),
      place(found.softMask, softMask),
      ...(found.probability && probability ? [place(found.probability, probability)] : []),
    ]);
    return { ...found, voxelRange, seconds };
  }

  async #unlessEnded<T>(work: () => Promise<T>): Promise<T> {
    // Not a promise of the end that lives as long as the process: it would keep all results in memory.
    const { promise: ended, reject } = Promise.withResolvers<never>();
    this.#whenEnded = () =>
      reject(
        new SegmentationError('INFERENCE_FAILED', `the process that ran the network ended: ${this.#ended}`),
      );
    if (this.#ended !== undefined) this.#whenEnded();
    try {
      return await Promise.race([work(), ended]);
    } finally {
      this.#whenEnded = ignored;
    }
  }
}

function ignored(): void {}
