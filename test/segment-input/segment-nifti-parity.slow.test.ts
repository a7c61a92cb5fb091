import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Volume } from '../../src/dicom/volume.ts';
import { importModel } from '../../src/model-import/import-model.ts';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { readNpz } from '../support/npy.ts';
import { describeWith, shared } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import { isWhole } from '../support/whole.ts';

const TASKS = {
  task109: { folder: 'Task109_Pancreas', modality: 'CT' },
  task111: { folder: 'Task111_PancreasT2', modality: 'T2W' },
} as const;
type Task = keyof typeof TASKS;

const TRAINER = 'nnTransUNetTrainerV2__nnUNetPlansv2.1';

const CASES: readonly { readonly name: string; readonly task: Task }[] = [
  ...(isWhole ? ([{ name: 'ct_aniso', task: 'task109' }] as const) : []),
  { name: 'ct_thin', task: 'task109' },
  { name: 'tiny_perm', task: 'task111' },
];

/** Of a study of millions of voxels, so many may fall on the other side of 0.5 by rounding. */
const MOST_DIFFERENT = 1e-4;
const LEAST_DICE = 0.9995;
/**
 * The reference is stored in float16, which has steps of 2^-11 below 1; half a step, and the difference of
 * the networks.
 */
const PROBABILITY_TOLERANCE = 2 ** -12 + 5e-5;

let folder: string;
const models = new Map<string, string>();

/** The files of a trained model that may be changed, where those of ../shared may not. */
async function copyOf(task: Task, target: string): Promise<string> {
  const source = shared('reference/models', TASKS[task].folder, TRAINER);
  const root = path.join(target, TRAINER);
  for (const file of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const copy = path.join(root, path.relative(source, file.parentPath), file.name);
    await mkdir(path.dirname(copy), { recursive: true });
    await copyFile(path.join(file.parentPath, file.name), copy);
  }
  return root;
}

async function segmented(name: string, model: string, ...more: string[]): Promise<string> {
  const output = path.join(folder, `${name}-${path.basename(model)}`);
  const input = shared('reference/cases', name, 'image.nii.gz');
  const args = ['segment', input, '--model', model, '--output', output, '--mode', 'exact', ...more];
  const { code, stderr } = await runCli(...args);
  expect(code, stderr).toBe(0);
  return output;
}

function compare(found: Volume, reference: Volume): { dice: number; different: number } {
  expect(found.size).toEqual(reference.size);
  expect(found.affine).toEqual(reference.affine);
  let [different, both, either] = [0, 0, 0];
  found.voxels.forEach((value, i) => {
    const other = reference.voxels[i];
    if (value !== other) different++;
    if (value === 1 && other === 1) both++;
    either += value + (other ?? 0);
  });
  // A reference in which nothing is found would agree with an empty mask.
  expect(either).toBeGreaterThan(100);
  return { dice: (2 * both) / either, different: different / found.voxels.length };
}

/** First index and length along x, y and z of what is not 0. */
function boxOfNonzero({ voxels, size: [nx, ny] }: Volume): { start: number[]; length: number[] } {
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [-1, -1, -1];
  voxels.forEach((value, index) => {
    if (value === 0) return;
    [index % nx, Math.floor(index / nx) % ny, Math.floor(index / (nx * ny))].forEach((at, axis) => {
      low[axis] = Math.min(low[axis] ?? 0, at);
      high[axis] = Math.max(high[axis] ?? 0, at);
    });
  });
  return { start: low, length: high.map((last, axis) => last - (low[axis] ?? 0) + 1) };
}

describeWith(['shared'], 'segmenting the reference images with the imported models', () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'parity-'));
    for (const task of ['task109', 'task111'] as const) {
      const { modality } = TASKS[task];
      const plain = await copyOf(task, path.join(folder, 'trained', task));
      const name = `${task}-largest`;
      const processed = await copyOf(task, path.join(folder, 'trained', name));
      const postprocessing = { for_which_classes: [1], min_valid_object_sizes: null };
      await writeFile(path.join(processed, 'postprocessing.json'), JSON.stringify(postprocessing));
      for (const [model, source] of [
        [task, plain],
        [name, processed],
      ] as const) {
        const output = path.join(folder, 'models', model);
        await importModel({ source, name: model, modality, output });
        models.set(model, output);
      }
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(CASES)("gives the original's labels and probabilities: $name", async ({ name, task }) => {
    const output = await segmented(name, models.get(task) ?? '', '--save-probabilities');
    const found = await readNifti(path.join(output, 'seg.nii.gz'));
    const reference = await readNifti(shared('reference/cases', name, 'segmentation.nii.gz'));
    const { dice, different } = compare(found.volume, reference.volume);
    expect(dice).toBeGreaterThanOrEqual(LEAST_DICE);
    expect(different).toBeLessThanOrEqual(MOST_DIFFERENT);

    const { data, shape } = await readNpz(shared('reference/cases', name, 'softmax_float16.npz'), 'softmax');
    const image = await readNifti(shared('reference/cases', name, 'image.nii.gz'));
    const { start, length } = boxOfNonzero(image.volume);
    expect(shape).toEqual([2, ...length.toReversed()]);
    const probability = (await readNifti(path.join(output, 'probabilities.nii.gz'))).volume;
    const [nx, ny] = probability.size;
    const [lx = 0, ly = 0, lz = 0] = length;
    const foreground = data.subarray(lx * ly * lz);
    let largest = 0;
    let inside = 0;
    for (let i = 0; i < foreground.length; i++) {
      const x = (start[0] ?? 0) + (i % lx);
      const y = (start[1] ?? 0) + (Math.floor(i / lx) % ly);
      const z = (start[2] ?? 0) + Math.floor(i / (lx * ly));
      const value = probability.voxels[x + nx * (y + ny * z)] ?? Number.NaN;
      largest = Math.max(largest, Math.abs(value - (foreground[i] ?? Number.NaN)));
      inside += value;
    }
    expect(largest).toBeLessThanOrEqual(PROBABILITY_TOLERANCE);
    // Outside of the crop there is nothing.
    let everywhere = 0;
    for (const value of probability.voxels) everywhere += value;
    expect(everywhere).toBeCloseTo(inside, 2);
  });

  it.each(CASES)(
    'keeps the largest component where postprocessing.json says so: $name',
    async ({ name, task }) => {
      const output = await segmented(name, models.get(`${task}-largest`) ?? '');
      const found = await readNifti(path.join(output, 'seg.nii.gz'));
      const file = shared('reference/cases', name, 'segmentation_largest_component.nii.gz');
      const { dice, different } = compare(found.volume, (await readNifti(file)).volume);
      expect(dice).toBeGreaterThanOrEqual(LEAST_DICE);
      expect(different).toBeLessThanOrEqual(MOST_DIFFERENT);
    },
  );
});
