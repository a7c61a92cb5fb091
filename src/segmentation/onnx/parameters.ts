import type { NetworkWeights } from '../network-weights.ts';
import { SegmentationError } from '../segmentation-error.ts';
import type { GraphBuilder, Value } from './graph.ts';

/**
 * Reads every parameter once, the unused ones too: a checkpoint with a value that isn't a number is damaged.
 *
 * @throws {SegmentationError} CHECKPOINT_VALUES: the first such value
 */
export async function checkValues(weights: NetworkWeights): Promise<void> {
  for (const name of weights.shapes.keys()) {
    const values = await weights.read(name);
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new SegmentationError(
      'CHECKPOINT_VALUES',
      `${name}: expected finite numbers, found ${values[at]} at index ${at} of ${values.length}`,
    );
  }
}

/** Channels `start` to `end` of a convolution's input, the end excluded. */
export interface ChannelRange {
  readonly start: number;
  readonly end: number;
}

/** A checkpoint's parameters as initializers of a graph, in the shapes that its operators want. */
export class Parameters {
  readonly #graph: GraphBuilder;
  readonly #weights: NetworkWeights;
  /** Initializers made of one parameter are written one after the other: it need not be read again. */
  #latest: { readonly name: string; readonly values: Float32Array } | undefined;

  constructor(graph: GraphBuilder, weights: NetworkWeights) {
    this.#graph = graph;
    this.#weights = weights;
  }

  /** Values as they are, under a shape of as many. */
  reshaped(name: string, shape: readonly number[]): Value {
    return this.#graph.initializer(name, shape, () => this.#read(name));
  }

  vector(name: string): Value {
    return this.reshaped(name, this.#shape(name));
  }

  /** A linear layer's weight [out, in] as [in, out], for a product from the right. */
  transposed(name: string): Value {
    const [rows = 0, columns = 0] = this.#shape(name);
    return this.#graph.initializer(`${name} transposed`, [columns, rows], async () =>
      transposeMatrix(await this.#read(name), rows, columns),
    );
  }

  /**
   * A 2-D kernel [out, in, y, x] out of a 3-D one [out, in, z, y, x]: the sum over z, each with its
   * coefficient, of some of the input channels.
   */
  kernelAlongDepth(name: string, coefficients: readonly number[], { start, end }: ChannelRange): Value {
    const [channelsOut = 0, channelsIn = 0, depth = 0, ky = 0, kx = 0] = this.#shape(name);
    const plane = ky * kx;
    const shape = [channelsOut, end - start, ky, kx];
    const key = `${name} [${start}-${end}] times ${coefficients.join(' ')}`;
    return this.#graph.initializer(key, shape, async () => {
      const values = await this.#read(name);
      const result = new Float32Array(channelsOut * (end - start) * plane);
      let at = 0;
      for (let out = 0; out < channelsOut; out++) {
        for (let channel = start; channel < end; channel++) {
          const kernel = (out * channelsIn + channel) * depth * plane;
          for (let i = 0; i < plane; i++) {
            let sum = 0;
            for (let z = 0; z < depth; z++) {
              sum += (coefficients[z] ?? 0) * (values[kernel + z * plane + i] as number);
            }
            result[at++] = sum;
          }
        }
      }
      return result;
    });
  }

  /** A 3-D kernel [out, in, z, y, x] of some of its input channels. */
  kernelOf(name: string, { start, end }: ChannelRange): Value {
    const [channelsOut = 0, channelsIn = 0, ...lengths] = this.#shape(name);
    if (start === 0 && end === channelsIn) return this.vector(name);
    const kernel = lengths.reduce((product, length) => product * length, 1);
    return this.#graph.initializer(
      `${name} [${start}-${end}]`,
      [channelsOut, end - start, ...lengths],
      async () => {
        const values = await this.#read(name);
        const result = new Float32Array(channelsOut * (end - start) * kernel);
        for (let out = 0; out < channelsOut; out++) {
          const row = out * channelsIn;
          const part = values.subarray((row + start) * kernel, (row + end) * kernel);
          result.set(part, out * part.length);
        }
        return result;
      },
    );
  }

  /**
   * A transposed convolution's kernel [in, out, z, y, x] as that of a 1x1x1 convolution
   * [out z y x, in, 1, 1, 1].
   */
  upsamplingPoints(name: string): Value {
    const [channelsIn = 0, ...targets] = this.#shape(name);
    const points = targets.reduce((product, length) => product * length, 1);
    return this.#graph.initializer(`${name} as points`, [points, channelsIn, 1, 1, 1], async () =>
      transposeMatrix(await this.#read(name), channelsIn, points),
    );
  }

  /** One z of a transposed convolution's kernel [in, out, z, y, x], as [in, out, y, x]. */
  upsamplingKernel(name: string, z: number): Value {
    const [channelsIn = 0, channelsOut = 0, depth = 0, ky = 0, kx = 0] = this.#shape(name);
    const plane = ky * kx;
    return this.#graph.initializer(`${name} z ${z}`, [channelsIn, channelsOut, ky, kx], async () => {
      const values = await this.#read(name);
      const result = new Float32Array(channelsIn * channelsOut * plane);
      for (let pair = 0; pair < channelsIn * channelsOut; pair++) {
        const from = (pair * depth + z) * plane;
        result.set(values.subarray(from, from + plane), pair * plane);
      }
      return result;
    });
  }

  #shape(name: string): readonly number[] {
    const shape = this.#weights.shapes.get(name);
    if (!shape) throw new Error(`no parameter ${name}, although the architecture was checked`);
    return shape;
  }

  async #read(name: string): Promise<Float32Array> {
    if (this.#latest?.name !== name) {
      this.#latest = undefined;
      this.#latest = { name, values: await this.#weights.read(name) };
    }
    return this.#latest.values;
  }
}

/** [rows, columns] to [columns, rows]. */
export function transposeMatrix(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j] as number;
  }
  return result;
}
