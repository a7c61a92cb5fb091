import { readFile } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { DYNAMIC_KINDS } from '../architecture/dynamic-architecture.ts';
import type { Shape3 } from '../array3.ts';
import type { NetworkPlan, NetworkWeights } from '../network-weights.ts';
import { ModelProtoSchema, type TensorProto } from '../onnx/onnx_pb.ts';
import { transposeMatrix } from '../onnx/parameters.ts';
import { PRODUCER } from '../onnx/write-model.ts';
import { depthOf, planesOutOf } from './kernel-planes.ts';

/** What a network's file for the CPU tells of the network that it was written from. */
export interface WrittenNetwork {
  /** But for the bias of convolutions, which normalization takes away: zeros stand for it. */
  readonly weights: NetworkWeights;
  readonly poolOpKernelSizes: NetworkPlan['poolOpKernelSizes'];
}

/** One parameter, put together again from the tensors that the file holds of it. */
interface Parameter {
  readonly shape: readonly number[];
  read(): Float32Array;
}

/** Names that `Parameters` gives. */
const PART_OF_KERNEL = /^(.+) \[(\d+)-(\d+)\] times (.+)$/;
const PART_OF_UPSAMPLING = /^(.+) z (\d+)$/;
const TRANSPOSED = /^(.+) transposed$/;
const CONSTANT = /^(?:number|integers) /;
const POSITIONS = 'pos_encode.pe';
const CONVOLUTION = '.conv.weight';
const NORMALIZATION = '.instnorm.';

/**
 * Reads the parameters out of a file that `writeNetwork` wrote. The memory is the file's, and that of one
 * parameter at a time.
 *
 * @returns undefined where another program wrote it
 * @throws {Error} it is damaged, or is one of nnU-Net v2
 */
export async function readWrittenNetwork(file: string): Promise<WrittenNetwork | undefined> {
  const { producerName, graph } = fromBinary(ModelProtoSchema, await readFile(file));
  if (producerName !== PRODUCER) return undefined;
  if (DYNAMIC_KINDS.some((kind) => kind === graph?.name))
    throw new Error(
      `a ${graph?.name} of nnU-Net v2 runs on the CPU alone: there is no form of it for GPUs yet`,
    );
  const parameters = new Map<string, Parameter>();
  for (const [name, parts] of groupByParameter(graph?.initializer ?? [])) {
    parameters.set(name, parameterOf(name, parts));
  }
  for (const name of [...parameters.keys()].filter((key) => key.endsWith(CONVOLUTION))) {
    const length = parameters.get(name)?.shape[0] ?? 0;
    const bias = { shape: [length], read: () => new Float32Array(length) };
    parameters.set(name.replace(/weight$/, 'bias'), bias);
  }
  const shapes = new Map([...parameters].map(([name, { shape }]) => [name, shape]));
  const read = async (name: string) => {
    const parameter = parameters.get(name);
    if (!parameter) throw new Error(`no parameter ${name}`);
    return parameter.read();
  };
  return { weights: { shapes, read }, poolOpKernelSizes: poolsOf(shapes) };
}

/** The kernels of the transposed convolutions, which are their strides, from the last to the first. */
function poolsOf(shapes: ReadonlyMap<string, readonly number[]>): Shape3[] {
  const pools: Shape3[] = [];
  for (let up = 0; ; up++) {
    const shape = shapes.get(`tu.${up}.weight`);
    if (!shape) return pools.toReversed();
    const [, , z = 0, y = 0, x = 0] = shape;
    pools.push([z, y, x]);
  }
}

function groupByParameter(tensors: readonly TensorProto[]): Map<string, TensorProto[]> {
  const groups = new Map<string, TensorProto[]>();
  for (const tensor of tensors) {
    if (CONSTANT.test(tensor.name)) continue;
    const match =
      PART_OF_KERNEL.exec(tensor.name) ??
      PART_OF_UPSAMPLING.exec(tensor.name) ??
      TRANSPOSED.exec(tensor.name);
    const name = match?.[1] ?? tensor.name;
    const group = groups.get(name);
    if (group) group.push(tensor);
    else groups.set(name, [tensor]);
  }
  return groups;
}

function parameterOf(name: string, parts: readonly TensorProto[]): Parameter {
  const [first] = parts;
  if (!first) throw new Error(`${name}: no values`);
  if (PART_OF_KERNEL.test(first.name)) return kernelOf(name, parts);
  if (PART_OF_UPSAMPLING.test(first.name)) return upsamplingOf(name, parts);
  const dims = first.dims.map(Number);
  if (TRANSPOSED.test(first.name)) {
    const [rows = 0, columns = 0] = dims;
    return { shape: [columns, rows], read: () => transposeMatrix(valuesOf(first), rows, columns) };
  }
  return { shape: originalShape(name, dims), read: () => valuesOf(first) };
}

/** The parameter's shape before `reshaped`. */
function originalShape(name: string, dims: readonly number[]): readonly number[] {
  if (name.includes(NORMALIZATION)) return [dims.reduce((product, length) => product * length, 1)];
  if (name.endsWith(POSITIONS)) return [1, ...dims];
  // A 1x1x1 convolution is written as one of 1x1.
  return dims.length === 4 ? [...dims, 1] : dims;
}

/** [out, in, z, y, x] of `kernelAlongDepth`'s parts: ranges of input channels, combinations along depth. */
function kernelOf(name: string, parts: readonly TensorProto[]): Parameter {
  const combinations = parts.map((tensor) => {
    const [, , start, end, coefficients = ''] = PART_OF_KERNEL.exec(tensor.name) ?? [];
    const along = coefficients.split(' ').map(Number);
    return { tensor, start: Number(start), end: Number(end), coefficients: along };
  });
  const depth = depthOf(combinations);
  const [channelsOut = 0, , ky = 0, kx = 0] = (parts[0]?.dims ?? []).map(Number);
  const channelsIn = Math.max(...combinations.map(({ end }) => end));
  const plane = ky * kx;
  const shape = [channelsOut, channelsIn, depth, ky, kx];
  const ranges = Map.groupBy(combinations, ({ start }) => start);
  const read = () => {
    const values = new Float32Array(channelsOut * channelsIn * depth * plane);
    for (const range of ranges.values()) {
      const { start = 0, end = 0 } = range[0] ?? {};
      const planes = planesOutOf(name, depth, range, ({ tensor }) => valuesOf(tensor));
      for (const [z, found] of planes.entries()) {
        for (let out = 0; out < channelsOut; out++) {
          for (let channel = start; channel < end; channel++) {
            const from = (out * (end - start) + channel - start) * plane;
            const to = ((out * channelsIn + channel) * depth + z) * plane;
            for (let i = 0; i < plane; i++) values[to + i] = found[from + i] as number;
          }
        }
      }
    }
    return values;
  };
  return { shape, read };
}

/** [in, out, z, y, x] of `upsamplingKernel`'s parts. */
function upsamplingOf(name: string, parts: readonly TensorProto[]): Parameter {
  const [channelsIn = 0, channelsOut = 0, ky = 0, kx = 0] = (parts[0]?.dims ?? []).map(Number);
  const depth = parts.length;
  const plane = ky * kx;
  const read = () => {
    const values = new Float32Array(channelsIn * channelsOut * depth * plane);
    for (const tensor of parts) {
      const z = Number(PART_OF_UPSAMPLING.exec(tensor.name)?.[2]);
      if (z >= depth) throw new Error(`${name}: parts along depth are missing`);
      const found = valuesOf(tensor);
      for (let pair = 0; pair < channelsIn * channelsOut; pair++) {
        const to = (pair * depth + z) * plane;
        for (let i = 0; i < plane; i++) values[to + i] = found[pair * plane + i] as number;
      }
    }
    return values;
  };
  return { shape: [channelsIn, channelsOut, depth, ky, kx], read };
}

/** Copied, as they begin anywhere in the file. */
function valuesOf({ name, dims, rawData }: TensorProto): Float32Array {
  const length = dims.reduce((product, dim) => product * Number(dim), 1);
  if (rawData.byteLength !== length * Float32Array.BYTES_PER_ELEMENT)
    throw new Error(`${name} has ${rawData.byteLength} bytes for ${length} values`);
  return new Float32Array(new Uint8Array(rawData).buffer);
}
