import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { type ImportRequest, importModel } from '../../src/model-import/import-model.ts';
import { listModels } from '../../src/segmentation/model/model-folder.ts';
import { bool, dict, float, int, list, none, orderedDict, text, tuple } from '../support/pickle-writer.ts';
import { REFERENCE_CASES } from '../support/reference-cases.ts';
import { describeWith, shared } from '../support/requires.ts';
import { type SyntheticOptions, TINY, writeSyntheticTraining } from '../support/synthetic-training.ts';

let folder: string;
let output: string;
let notes: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'import-'));
  output = path.join(folder, 'models', 'pancreas');
  notes = [];
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const run = (source: string, request: Partial<ImportRequest> = {}) =>
  importModel({
    source,
    name: 'pancreas',
    modality: 'CT',
    output,
    onNote: (note) => notes.push(note),
    ...request,
  });

const results = () => path.join(folder, 'nnUNet', '3d_fullres');
const train = (options: SyntheticOptions = {}, network = TINY) =>
  writeSyntheticTraining(results(), network, options);

async function zipped(entries: Readonly<Record<string, string>>, compress = true): Promise<string> {
  const zip = new ZipFile();
  for (const [name, file] of Object.entries(entries)) zip.addFile(file, name, { compress });
  zip.end();
  const file = path.join(folder, 'export.zip');
  await pipeline(Readable.from(zip.outputStream), createWriteStream(file));
  return file;
}

/** Every file below a folder, by its path. */
async function filesBelow(root: string, prefix: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.posix.join(prefix, path.relative(root, file)), file]),
  );
}

describeWith(['shared'], 'the reference models', () => {
  test.each(REFERENCE_CASES.slice(1))('are imported with what their plans say: $name', async ({ info }) => {
    const task = info.name === 'task109' ? 'Task109_Pancreas' : 'Task111_PancreasT2';
    const model = await run(shared('reference/models', task), { modality: info.modality });
    const { modality, orientation, transposeForward, spacing, patchSize, normalization, inference } = info;
    expect(model.info).toMatchObject({
      architecture: 'PanSegNet',
      title: `PanSegNet ${modality}`,
      source: { task, trainer: 'nnTransUNetTrainerV2', plans: 'nnUNetPlansv2.1' },
      modality,
      orientation,
      transposeForward,
      spacing,
      patchSize,
      inference,
      postprocessing: { keepLargestComponent: false },
    });
    const rounded = Object.entries(model.info.normalization).map(([key, value]) => [
      key,
      // The plans have single precision.
      typeof value === 'number' ? Number(value.toFixed(6)) : value,
    ]);
    expect(Object.fromEntries(rounded)).toEqual(normalization);
  });

  test('give the same network, whichever form the checkpoint has', async () => {
    const model = await run(shared('reference/models/Task111_PancreasT2'), { modality: 'T2W' });
    for (const variant of ['archive_root', 'dataparallel_prefix', 'legacy_nonzip']) {
      const other = await run(shared('reference/models/variants', variant), {
        modality: 'T2W',
        replace: true,
      });
      expect(other.sha256).toBe(model.sha256);
      expect(other.info.version).not.toBe(model.info.version);
    }
  });
});

describe('training output is found', () => {
  test('wherever one points: at the trainer, the fold, the task or above', async () => {
    const trainer = await train();
    const model = await run(trainer);
    const sources = [path.join(trainer, 'fold_0'), path.dirname(trainer), results(), folder];
    for (const source of sources) {
      const target = path.join(folder, 'other');
      const other = await run(source, { output: target });
      expect(other.info).toEqual(model.info);
      await rm(target, { recursive: true });
    }
  });

  test('in a zip as nnU-Net exports it, and in a plain zip of what is in the folder', async () => {
    const trainer = await train();
    const model = await run(trainer);
    const nested = await zipped(await filesBelow(results(), '3d_fullres'));
    expect((await run(nested, { replace: true })).info).toEqual(model.info);
    expect((await readdir(output)).toSorted()).toEqual(['fold_0.onnx', 'model.json']);
    const plain = await zipped(await filesBelow(trainer, ''), false);
    const fromPlain = await run(plain, { replace: true });
    expect(fromPlain.sha256).toBe(model.sha256);
    expect(fromPlain.info.source).toMatchObject({ task: TINY.task, plans: 'nnUNetPlansv2.1' });
  });

  test('with several folds, averaged in the order of their numbers', async () => {
    const trainer = await train({ folds: ['fold_0', 'fold_1', 'fold_10', 'fold_2'] });
    await cp(path.join(trainer, 'fold_0'), path.join(trainer, 'all'), { recursive: true });
    const model = await run(trainer);
    expect(model.networks.map((file) => path.basename(file))).toEqual([
      'fold_0.onnx',
      'fold_1.onnx',
      'fold_2.onnx',
      'fold_10.onnx',
    ]);
    expect(new Set(Object.values(model.info.files)).size).toBe(4);
    expect(model.info.source).toMatchObject({
      folds: ['fold_0', 'fold_1', 'fold_2', 'fold_10'].map((fold) => ({ fold, network: `${fold}.onnx` })),
    });
    expect(notes).toEqual([expect.stringContaining("'all' was left out")]);
    const single = await run(path.join(trainer, 'fold_10'), { replace: true });
    expect(single.networks.map((file) => path.basename(file))).toEqual(['fold_10.onnx']);
    expect(single.info.source).toMatchObject({ folds: [{ fold: 'fold_10', epochs: 1000 }] });
  });

  test('with the calibration beside its folds, where that was made with these checkpoints', async () => {
    const trainer = await train();
    const hash = createHash('sha256').update(
      await readFile(path.join(trainer, 'fold_0', 'model_final_checkpoint.model')),
    );
    const checkpoints = { fold_0: hash.digest('hex') };
    const one = { name: 'a', volumeMl: 50, trueVolumeMl: 52, softmaxRangeMl: { low: 48, high: 53 } };
    const made = { format: 1, mode: 'exact', source: 'drawn', cases: Array.from({ length: 19 }, () => one) };
    const write = (contents: object) =>
      writeFile(path.join(trainer, 'calibration.json'), JSON.stringify(contents));
    await write({ ...made, checkpoints });
    expect((await run(trainer)).calibrations.exact).toMatchObject({ source: 'drawn', caseCount: 19 });
    await write({ ...made, checkpoints: { fold_0: '0'.repeat(64) } });
    expect((await run(trainer, { replace: true })).calibrations.exact).toBeUndefined();
    expect(notes.at(-1)).toMatch(/calibration\.json was made with other checkpoints/);
    await write({ ...made, cases: [] });
    await expect(run(trainer, { replace: true })).rejects.toMatchObject({ code: 'IMPORT_SOURCE' });
  });

  test("in the folder 'all', where there are no folds", async () => {
    const model = await run(await train({ folds: ['all'] }));
    expect(Object.keys(model.info.files)).toEqual(['fold_0.onnx']);
    expect(model.info.source).toMatchObject({ folds: [{ fold: 'all' }] });
    expect(notes).toEqual([]);
  });

  test('with model_best where there is no final checkpoint, and says so', async () => {
    const trainer = await train({ folds: ['fold_0', 'fold_1'] });
    const renamed = async (fold: string, name: string) => {
      for (const end of ['', '.pkl']) {
        const from = path.join(trainer, fold, `model_final_checkpoint.model${end}`);
        await rename(from, path.join(trainer, fold, `${name}.model${end}`));
      }
    };
    await renamed('fold_1', 'model_best');
    expect((await run(trainer)).networks).toHaveLength(1);
    expect(notes).toEqual(['left out, for lack of model_final_checkpoint.model: fold_1']);
    await renamed('fold_0', 'model_best');
    const model = await run(trainer, { replace: true });
    expect(model.networks).toHaveLength(2);
    expect(notes.at(-1)).toContain('model_best.model was taken');
    expect(model.info.source).toMatchObject({ notes: [notes.at(-1)] });
    for (const fold of ['fold_0', 'fold_1'])
      await rename(
        path.join(trainer, fold, 'model_best.model'),
        path.join(trainer, fold, 'model_latest.model'),
      );
    await expect(run(trainer, { replace: true })).rejects.toThrow('the training has not ended yet');
  });
});

describe('a source that holds no single model', () => {
  const refused = (source: string) => expect(run(source)).rejects.toMatchObject({ code: 'IMPORT_SOURCE' });

  test('is refused with a list where there are several', async () => {
    await train();
    await train({}, { ...TINY, task: 'Task110_PancreasT1' });
    await refused(folder);
    const trainer = 'nnTransUNetTrainerV2__nnUNetPlansv2.1';
    await expect(run(folder)).rejects.toThrow(
      `holds 2 trained models; give the folder of one of them:\n` +
        `  nnUNet/3d_fullres/Task109_Pancreas/${trainer}\n  nnUNet/3d_fullres/Task110_PancreasT1/${trainer}`,
    );
  });

  test('is refused: not there, empty, no zip, a checkpoint by itself', async () => {
    await expect(run(path.join(folder, 'absent'))).rejects.toThrow(/absent is not there/);
    await expect(run(folder)).rejects.toThrow(/expected nnU-Net v1 training output.*; found none/);
    const checkpoint = path.join(await train(), 'fold_0', 'model_final_checkpoint.model');
    await expect(run(`${checkpoint}.pkl`)).rejects.toThrow('is no zip file');
    await expect(run(checkpoint)).rejects.toThrow('is a checkpoint by itself');
    await refused(checkpoint);
    const moved = path.join(folder, 'moved');
    await mkdir(moved);
    await rename(path.dirname(checkpoint), path.join(moved, 'mine'));
    await expect(run(moved)).rejects.toThrow(
      'found mine/model_final_checkpoint.model, whose folder is not named',
    );
  });

  test('is refused without the plans beside the checkpoint', async () => {
    const trainer = await train();
    await rm(path.join(trainer, 'fold_0', 'model_final_checkpoint.model.pkl'));
    await expect(run(trainer)).rejects.toThrow('expected model_final_checkpoint.model.pkl beside it');
  });

  test('is refused where folds were trained by other plans', async () => {
    const trainer = await train({ folds: ['fold_0', 'fold_1'] });
    const other = await writeSyntheticTraining(path.join(folder, 'b'), TINY, {
      stage: { current_spacing: list(float(1), float(1), float(1)) },
    });
    await cp(path.join(other, 'fold_0'), path.join(trainer, 'fold_1'), { recursive: true, force: true });
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'PLANS_INVALID',
      message: expect.stringMatching(/fold_1.*differ from those of fold_0/s),
    });
  });
});

describe('a hostile archive is refused', () => {
  const replaceName = async (file: string, from: string, to: string) => {
    const content = (await readFile(file)).toString('latin1');
    expect(content).toContain(from);
    await writeFile(file, content.replaceAll(from, to), 'latin1');
  };

  test('for a name that leads outside', async () => {
    const files = await filesBelow(await train(), '');
    const zip = await zipped({ ...files, 'aa/aa/evil.txt': path.join(await train(), 'plans.pkl') });
    await replaceName(zip, 'aa/aa/evil.txt', '../../evil.txt');
    await expect(run(zip)).rejects.toMatchObject({ code: 'IMPORT_SOURCE' });
    await expect(run(zip)).rejects.toThrow('../../evil.txt');
  });

  test('for a symbolic link', async () => {
    const files = await filesBelow(await train(), '');
    const zip = new ZipFile();
    for (const [name, file] of Object.entries(files)) zip.addFile(file, name);
    zip.addBuffer(Buffer.from('/etc/passwd'), 'postprocessing.json', { mode: 0o120777 });
    zip.end();
    const file = path.join(folder, 'link.zip');
    await pipeline(Readable.from(zip.outputStream), createWriteStream(file));
    await expect(run(file)).rejects.toThrow("'postprocessing.json' is a symbolic link");
  });

  test('for an entry that expands beyond measure', async () => {
    const trainer = await train();
    await writeFile(path.join(trainer, 'fold_0', 'model_final_checkpoint.model'), Buffer.alloc(2 ** 25));
    await expect(run(await zipped(await filesBelow(trainer, '')))).rejects.toThrow('a zip bomb');
  });

  test('for being cut', async () => {
    const zip = await zipped(await filesBelow(await train(), ''));
    await writeFile(zip, (await readFile(zip)).subarray(0, -40));
    await expect(run(zip)).rejects.toMatchObject({
      code: 'IMPORT_SOURCE',
      message: expect.stringContaining('truncated'),
    });
  });
});

describe('the model folder', () => {
  const left = () => readdir(path.dirname(output));

  test('appears complete, and nothing is left beside it', async () => {
    const model = await run(await train());
    expect((await readdir(output)).toSorted()).toEqual(['fold_0.onnx', 'model.json']);
    expect(await left()).toEqual(['pancreas']);
    expect(await listModels(path.dirname(output))).toMatchObject([{ model: { sha256: model.sha256 } }]);
    expect(JSON.stringify(model.info.source)).not.toContain(folder);
  });

  test('of the same name stays, unless it is to be replaced', async () => {
    const first = await run(await train());
    const trainer = await train({ seed: 7 });
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'IMPORT_TARGET',
      message: expect.stringContaining('--replace'),
    });
    const second = await run(trainer, { replace: true });
    expect(second.sha256).not.toBe(first.sha256);
    expect(await left()).toEqual(['pancreas']);
  });

  test('takes no place where other files are', async () => {
    await mkdir(output, { recursive: true });
    await writeFile(path.join(output, 'thesis.txt'), 'mine');
    await expect(run(await train(), { replace: true })).rejects.toMatchObject({ code: 'IMPORT_TARGET' });
    expect(await readFile(path.join(output, 'thesis.txt'), 'utf8')).toBe('mine');
    await rm(output, { recursive: true });
    await writeFile(output, 'a file');
    await expect(run(await train())).rejects.toMatchObject({ code: 'IMPORT_TARGET' });
  });

  test('is not made, and an earlier one stays, where the import fails or is interrupted', async () => {
    const earlier = await run(await train());
    const damaged = await train({
      change: (name, values) => {
        if (name.startsWith('tu.1')) values[3] = Number.NaN;
      },
    });
    await expect(run(damaged, { replace: true })).rejects.toMatchObject({
      code: 'CHECKPOINT_VALUES',
      message: expect.stringContaining('tu.1.weight'),
    });
    const interruption = new AbortController();
    const interrupted = run(await train({ folds: ['fold_0', 'fold_1'] }), {
      replace: true,
      signal: interruption.signal,
      onProgress: ({ subject, done }) => {
        if (subject === 'fold_1' && done === 3) interruption.abort(new Error('stopped'));
      },
    });
    await expect(interrupted).rejects.toThrow('stopped');
    const exported = await zipped(await filesBelow(results(), ''));
    const unpacking = new AbortController();
    const stopped = run(exported, {
      replace: true,
      signal: unpacking.signal,
      onProgress: ({ stage }) => stage === 'unpack' && unpacking.abort(new Error('stopped')),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(await left()).toEqual(['pancreas']);
    expect(await listModels(path.dirname(output))).toMatchObject([{ model: { sha256: earlier.sha256 } }]);
  });

  test.each<[string, Partial<ImportRequest>]>([
    ['no name', { name: '' }],
    ['a path for a name', { name: 'a/b' }],
    ['a parent for a name', { name: '..' }],
    ['a hidden name', { name: '.hidden' }],
    ['an empty title', { title: '' }],
    ['an impossible orientation', { orientation: 'LRS' }],
  ])('is not made with %s', async (_, request) => {
    await expect(run(await train(), request)).rejects.toMatchObject({ code: 'IMPORT_TARGET' });
  });

  test('has the title, notice, version and orientation that are given', async () => {
    const given = { title: 'Mine', notice: 'not for patients', version: '2', orientation: 'LPS' };
    expect((await run(await train(), given)).info).toMatchObject(given);
  });
});

describe('the network', () => {
  test('may be a plain U-Net of nnU-Net', async () => {
    const { attention: _, ...plain } = TINY;
    const model = await run(await train({ trainer: 'nnUNetTrainerV2' }, plain));
    expect(model.info).toMatchObject({ architecture: 'Generic_UNet', title: 'nnU-Net CT' });
    expect(model.info.source).toMatchObject({
      trainer: 'nnUNetTrainerV2',
      citation: expect.stringContaining('Isensee'),
    });
  });

  test('is refused where its parameters are not those that the plans call for', async () => {
    const trainer = await train({ stage: { patch_size: list(int(4), int(8), int(16)) } });
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'CHECKPOINT_ARCHITECTURE',
      message: expect.stringContaining('self_atten.pos_encode.pe'),
    });
  });
});

describe('plans', () => {
  const channel = (value: Buffer) => orderedDict([[int(0), value]]);

  test('with several stages count by the stage of the trainer', async () => {
    const stage = dict({ patch_size: list(int(1), int(1), int(1)) });
    await expect(run(await train({ plans: { plans_per_stage: dict([[int(1), stage]]) } }))).rejects.toThrow(
      "the trainer's stage is 0; the plans have 1",
    );
  });

  test('without kernels, transposition and preprocessor are completed as nnU-Net does it', async () => {
    const complete = await run(await train());
    const old = await run(
      await train({
        plans: { transpose_forward: none, preprocessor_name: none },
        stage: { pool_op_kernel_sizes: none, num_pool_per_axis: list(int(1), int(2), int(2)) },
      }),
      { replace: true },
    );
    expect(old.sha256).toBe(complete.sha256);
  });

  test('of a trainer for several GPUs have their stage in another place', async () => {
    const names = [text('x_plans_3D.pkl'), int(0), int(0), text('nnUNet/Task109_Pancreas'), text('data')];
    const init = tuple(...names, bool(true), int(0), bool(true));
    expect((await run(await train({ init }))).info.source).toMatchObject({ stage: 0 });
  });

  test.each<[string, SyntheticOptions, string]>([
    ['two input channels', { plans: { num_modalities: int(2) } }, 'num_modalities'],
    ['three classes', { plans: { num_classes: int(3) } }, 'num_classes'],
    ['a 2-D network', { stage: { patch_size: list(int(8), int(8)) } }, 'only 3-D networks'],
    [
      'another normalization',
      { plans: { normalization_schemes: channel(text('CT2')) } },
      'normalization_schemes',
    ],
    [
      'another preprocessor',
      { plans: { preprocessor_name: text('PreprocessorFor2D') } },
      'preprocessor_name',
    ],
    ['an axis twice', { plans: { transpose_forward: list(int(0), int(0), int(1)) } }, 'transpose_forward'],
    [
      'no intensities',
      { plans: { dataset_properties: dict({ intensityproperties: none }) } },
      'intensityproperties',
    ],
    [
      'a spacing of zero',
      { stage: { current_spacing: list(int(0), int(1), int(1)) } },
      'stage.current_spacing',
    ],
    ['another activation', { trainer: 'nnUNetTrainerV2_GeLU' }, 'nnUNetTrainerV2_GeLU'],
    ['a cascade', { trainer: 'nnUNetTrainerV2CascadeFullRes' }, 'nnUNetTrainerV2CascadeFullRes'],
    ['no stages', { plans: { plans_per_stage: none } }, 'plans_per_stage'],
    ['other arguments of the trainer', { init: tuple(int(1)) }, 'name and init'],
  ])('of %s are refused, and the place is named', async (_, options, place) => {
    const trainer = await train(options);
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'PLANS_INVALID',
      message: expect.stringContaining(place),
    });
    await expect(run(trainer)).rejects.toThrow('model_final_checkpoint.model.pkl');
  });

  test('for another kind of images than the modality are refused', async () => {
    await expect(run(await train(), { modality: 'T1W' })).rejects.toThrow('does not fit --modality T1W');
    const plans = { normalization_schemes: channel(text('nonCT')), modalities: channel(text('MRI')) };
    const trainer = await train({ plans });
    await expect(run(trainer)).rejects.toThrow("for 'MRI'; that does not fit --modality CT");
    expect((await run(trainer, { modality: 'T1W' })).info.normalization.scheme).toBe('zscore');
  });

  test('whose names hint at another kind of MR give a note', async () => {
    const plans = { normalization_schemes: channel(text('nonCT')), modalities: channel(text('MRI')) };
    const trainer = await train({ plans }, { ...TINY, task: 'Task110_PancreasT1' });
    await run(trainer, { modality: 'T1W' });
    expect(notes).toEqual([]);
    await run(trainer, { modality: 'T2W', replace: true });
    expect(notes).toEqual([expect.stringContaining('hints at T1W')]);
  });
});

describe('postprocessing.json', () => {
  test.each<[string, boolean]>([
    ['{"for_which_classes": []}', false],
    ['{"for_which_classes": [1], "min_valid_object_sizes": "None", "num_samples": 5}', true],
    ['{"for_which_classes": [[1]]}', true],
    ['{"for_which_classes": null}', true],
    ['{"for_which_classes": [], "min_valid_object_sizes": "{1: 20.5}"}', false],
  ])("%s at the model's root keeps the largest component: %s", async (json, keepLargestComponent) => {
    const trainer = await train();
    await writeFile(path.join(trainer, 'postprocessing.json'), json);
    expect((await run(trainer)).info.postprocessing).toEqual({ keepLargestComponent });
  });

  test.each([
    ['{"for_which_classes": [1], "min_valid_object_sizes": "{1: 20.5}"}', 'min_valid_object_sizes'],
    ['{"for_which_classes": [2]}', 'class 2'],
    ['{"for_which_classes": "1"}', 'for_which_classes'],
    ['{', 'JSON'],
  ])('%s is refused', async (json, words) => {
    const trainer = await train();
    await writeFile(path.join(trainer, 'postprocessing.json'), json);
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'PLANS_INVALID',
      message: expect.stringContaining(words),
    });
  });

  test('in a fold does not count', async () => {
    const trainer = await train();
    await writeFile(path.join(trainer, 'fold_0', 'postprocessing.json'), '{"for_which_classes": [1]}');
    expect((await run(trainer)).info.postprocessing).toEqual({ keepLargestComponent: false });
  });
});

describe('models import', () => {
  const cli = path.resolve(import.meta.dirname, '../../src/cli.ts');
  const command = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [cli, 'models', 'import', ...args], { cwd: folder });

  test('makes the model, and says which', async () => {
    const args = [await train(), '--name', 'pancreas', '--modality', 'CT', '--output', output];
    const { stdout, stderr } = await command(...args, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ name: 'pancreas', folder: output, architecture: 'PanSegNet' });
    expect(stderr).toContain('write network: fold_0');
    await expect(command(...args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--replace'),
    });
    const again = await command(...args, '--replace');
    expect(again.stdout).toMatch(/^PanSegNet CT, version [0-9a-f]{12}, 1 fold/);
  });

  test('is wrong usage without a modality', async () => {
    await expect(command(folder, '--name', 'pancreas')).rejects.toMatchObject({ code: 2 });
  });
});
