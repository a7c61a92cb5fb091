import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { importModel } from '../../src/model-import/import-model.ts';
import { NETWORKS, nearlyConstant } from '../support/network-forms.ts';
import { readNpy } from '../support/npy.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';
import {
  exampleWindow,
  largestDifference,
  predictOnce,
  writeSyntheticNetwork,
} from '../support/synthetic-network.ts';
import type { SyntheticNetwork } from '../support/synthetic-training.ts';

/** Twice what single precision itself makes of such networks' logits, which are between -5 and 5. */
const TOLERANCE = 5e-5;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'network-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describeWith(['shared'], 'networks of the reference', () => {
  test.each([
    ['ct_aniso', 'Task109_Pancreas', 'CT'],
    ['ct_thin', 'Task109_Pancreas', 'CT'],
    ['tiny_perm', 'Task111_PancreasT2', 'T2W'],
  ] as const)("give the original's logits: %s", async (name, task, modality) => {
    const output = path.join(folder, 'model');
    const model = await importModel({
      source: shared('reference', 'models', task),
      name: 'reference',
      modality,
      output,
    });
    const reference = (file: string) => readNpy(shared('reference', 'cases', name, `${file}.npy`));
    for (const input of name === 'ct_thin' ? ['patch'] : ['patch', 'noise']) {
      const { data: window } = await reference(`${input}_in`);
      const { data: expected } = await reference(`${input}_logits`);
      const logits = await predictOnce(path.join(output, 'fold_0.onnx'), model.info.patchSize, window);
      expect(largestDifference(logits, expected)).toBeLessThan(TOLERANCE);
    }
  });
});

interface ParityCase {
  readonly name: string;
  readonly network: SyntheticNetwork;
  readonly window: Float32Array<ArrayBuffer>;
  /** Of the weights. */
  readonly change?: (name: string, values: Float32Array) => void;
}

function scaleInPlace(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor;
}

describeWith(['torch'], 'a network written from a checkpoint', () => {
  const wide = NETWORKS['wide levels, whose convolutions go by tiles of slices'] as SyntheticNetwork;
  const cases: ParityCase[] = [
    ...Object.entries(NETWORKS).flatMap(([name, network]) => [
      { name, network, window: exampleWindow(network) },
      { name: `${name}, nearly constant`, network, window: nearlyConstant(network) },
    ]),
    {
      name: 'a transformer with small features, where its epsilon counts',
      network: wide,
      window: exampleWindow(wide),
      change: (name, values) => {
        if (/linear_proj|pos_encode|self_attn\.linears\.3/.test(name)) scaleInPlace(values, 1e-3);
      },
    },
  ];
  let written: string;
  const at = (index: number, file: string) => path.join(written, `${index}`, file);

  beforeAll(async () => {
    written = await mkdtemp(path.join(tmpdir(), 'torch-'));
    const specs = [];
    for (const [index, { network, window, change }] of cases.entries()) {
      const { checkpoint } = await writeSyntheticNetwork(at(index, ''), network, change && { change });
      const [input, output] = [at(index, 'input.f32'), at(index, 'logits.f32')];
      await writeFile(input, new Uint8Array(window.buffer));
      specs.push({ attention: null, ...network, checkpoint, input, output });
    }
    const program = path.join(import.meta.dirname, '../support/torch-forward.py');
    await promisify(execFile)(programPath('torch'), [program, JSON.stringify(specs)]);
  }, 60_000);
  afterAll(async () => {
    await rm(written, { recursive: true });
  });

  test.each(cases.map((one, index) => [one.name, index, one] as const))(
    "gives PyTorch's logits: %s",
    async (_name, index, { network, window }) => {
      const expected = new Float32Array(new Uint8Array(await readFile(at(index, 'logits.f32'))).buffer);
      const logits = await predictOnce(at(index, 'fold_0.onnx'), network.patchSize, window);
      expect(largestDifference(logits, expected)).toBeLessThan(TOLERANCE);
    },
  );
});
