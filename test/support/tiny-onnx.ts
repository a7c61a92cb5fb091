import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';

/** Protobuf field: wire type 0 for a number, 2 for bytes, text or a message. */
function field(number: number, value: number | string | Uint8Array | Uint8Array[]): Uint8Array {
  if (typeof value === 'number') return Uint8Array.from([...varint(number << 3), ...varint(value)]);
  const bytes =
    typeof value === 'string'
      ? new TextEncoder().encode(value)
      : value instanceof Uint8Array
        ? value
        : Buffer.concat(value);
  return Uint8Array.from([...varint((number << 3) | 2), ...varint(bytes.length), ...bytes]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

const FLOAT = 1;
const INT64 = 7;

function tensorInfo(name: string, shape: readonly number[]): Uint8Array[] {
  const dimensions = shape.map((length) => field(1, [field(1, length)]));
  return [field(1, name), field(2, [field(1, [field(1, FLOAT), field(2, dimensions)])])];
}

const node = (type: string, inputs: readonly string[], output: string, attributes: Uint8Array[] = []) =>
  field(1, [
    ...inputs.map((input) => field(1, input)),
    field(2, output),
    field(4, type),
    ...attributes.map((attribute) => field(5, attribute)),
  ]);

const integer = (name: string, value: number): Uint8Array =>
  Buffer.concat([field(1, name), field(3, value), field(20, 2)]);

const model = (graph: Uint8Array[]): Uint8Array =>
  Buffer.concat([field(1, 8), field(7, graph), field(8, [field(1, ''), field(2, 13)])]);

const signNodes = (input: string, output: string, more: readonly string[] = []) => [
  node('Neg', [input], 'background'),
  node('Concat', ['background', input, ...more], output, [integer('axis', 1)]),
];

const scalar = (name: string, value: number) => [
  field(2, FLOAT),
  field(8, name),
  field(9, Buffer.from(Float32Array.of(value).buffer)),
];

const signature = (patchSize: readonly number[], output: string, classes = 2) => [
  field(2, 'sign'),
  field(11, tensorInfo('input', [1, 1, ...patchSize])),
  field(12, tensorInfo(output, [1, classes, ...patchSize])),
];

/**
 * A network for tests, in ONNX: logits = [-input, input], so that the foreground is where the normalized
 * image is above 0, with a probability of 1 / (1 + exp(-2 input)).
 *
 * @param more further classes
 */
export function signNetwork(
  patchSize: readonly number[],
  output = 'logits',
  more: readonly ('background' | 'input')[] = [],
): Uint8Array {
  return model([...signNodes('input', output, more), ...signature(patchSize, output, 2 + more.length)]);
}

/** As sure of each voxel: the foreground is where the normalized image is above a limit. */
export function brightNetwork(patchSize: readonly number[], limit: number): Uint8Array {
  return model([
    node('Sub', ['input', 'limit'], 'above'),
    node('Sign', ['above'], 'sign'),
    node('Mul', ['sign', 'sure'], 'certain'),
    ...signNodes('certain', 'logits'),
    field(5, scalar('limit', limit)),
    field(5, scalar('sure', 2)),
    ...signature(patchSize, 'logits'),
  ]);
}

/**
 * As `signNetwork`, and before it answers it multiplies matrices for some minutes: 4 x 137 GFLOP a hundred
 * times.
 */
export function slowNetwork(patchSize: readonly number[]): Uint8Array {
  const [edge, products] = [4096, 400];
  const size = Buffer.from(BigInt64Array.of(BigInt(edge), BigInt(edge)).buffer);
  const shape = [field(1, 2), field(2, INT64), field(8, 'shape'), field(9, size)];
  const sum = (input: string, output: string) => node('ReduceSum', [input], output, [integer('keepdims', 0)]);
  return model([
    node('Mul', ['input', 'zero'], 'zeros'),
    sum('zeros', 'none'),
    node('Expand', ['none', 'shape'], 'product0'),
    ...Array.from({ length: products }, (_, i) =>
      node('MatMul', [`product${i}`, `product${i}`], `product${i + 1}`),
    ),
    sum(`product${products}`, 'nothing'),
    node('Add', ['input', 'nothing'], 'late'),
    ...signNodes('late', 'logits'),
    field(5, scalar('zero', 0)),
    field(5, shape),
    ...signature(patchSize, 'logits'),
  ]);
}

/** A model that takes everything above 50 for the pancreas. */
export const SIGN_MODEL: ModelInfo = {
  format: 1,
  name: 'sign',
  title: 'Test',
  version: '1.0.0',
  modality: 'CT',
  source: {},
  architecture: 'Generic_UNet',
  orientation: 'LPS',
  transposeForward: [0, 1, 2],
  spacing: [2, 1, 1],
  patchSize: [4, 8, 8],
  normalization: {
    scheme: 'CT',
    mean: 50,
    sd: 10,
    percentile_00_5: -100,
    percentile_99_5: 200,
    useMaskForNorm: false,
  },
  inference: { stepSize: 0.5, mirrorAxes: [0, 1, 2] },
  postprocessing: { keepLargestComponent: false },
  files: {},
};

/** Writes a model folder; returns its path. */
export async function writeModel(
  root: string,
  info: ModelInfo,
  networks: Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  const folder = path.join(root, info.name);
  await mkdir(folder, { recursive: true });
  const files: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(networks)) {
    await writeFile(path.join(folder, name), bytes);
    files[name] = createHash('sha256').update(bytes).digest('hex');
  }
  await writeFile(path.join(folder, 'model.json'), JSON.stringify({ ...info, files }));
  return folder;
}
