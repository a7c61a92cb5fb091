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

function tensorInfo(name: string, shape: readonly number[]): Uint8Array[] {
  const dimensions = shape.map((length) => field(1, [field(1, length)]));
  return [field(1, name), field(2, [field(1, [field(1, FLOAT), field(2, dimensions)])])];
}

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
  const negation = [field(1, 'input'), field(2, 'background'), field(4, 'Neg')];
  const axis = [field(1, 'axis'), field(3, 1), field(20, 2)];
  const concatenation = [
    field(1, 'background'),
    field(1, 'input'),
    ...more.map((name) => field(1, name)),
    field(2, output),
    field(4, 'Concat'),
    field(5, axis),
  ];
  const graph = [
    field(1, negation),
    field(1, concatenation),
    field(2, 'sign'),
    field(11, tensorInfo('input', [1, 1, ...patchSize])),
    field(12, tensorInfo(output, [1, 2 + more.length, ...patchSize])),
  ];
  return Buffer.concat([field(1, 8), field(7, graph), field(8, [field(1, ''), field(2, 13)])]);
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
