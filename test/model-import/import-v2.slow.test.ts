import { execFile } from 'node:child_process';
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
import type { Fact } from '../../src/model-import/trained-model.ts';
import { dict, float, int, list, none, orderedDict, text, tuple } from '../support/pickle-writer.ts';
import { importReference, type ReferenceModel, trainedFolder } from '../support/reference-v2.ts';
import { describeWith, shared } from '../support/requires.ts';
import { TINY, writeSyntheticTraining } from '../support/synthetic-training.ts';
import {
  type SyntheticV2Options,
  TINY_RESIDUAL,
  TINY_V2,
  writeSyntheticV2,
} from '../support/synthetic-training-v2.ts';
import { tensor } from '../support/torch-writer.ts';

let folder: string;
let output: string;
let notes: string[];
let facts: ReadonlyMap<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'import-v2-'));
  output = path.join(folder, 'models', 'pancreas');
  notes = [];
  facts = new Map();
});
afterEach(() => rm(folder, { recursive: true }));

const run = (source: string, request: Partial<ImportRequest> = {}) =>
  importModel({
    source,
    name: 'pancreas',
    modality: 'CT',
    output,
    replace: true,
    onNote: (note) => notes.push(note),
    onUnderstood: (found: readonly Fact[]) => (facts = new Map(found)),
    ...request,
  });

const results = () => path.join(folder, 'nnUNet_results');
const train = (options: SyntheticV2Options = {}, network = TINY_V2) =>
  writeSyntheticV2(results(), network, options);

async function zipped(root: string): Promise<string> {
  const zip = new ZipFile();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) zip.addFile(file, path.relative(root, file));
  }
  zip.end();
  const file = path.join(folder, 'export.zip');
  await pipeline(Readable.from(zip.outputStream), createWriteStream(file));
  return file;
}

describeWith(['shared'], 'the reference models', () => {
  test.each<[ReferenceModel, object]>([
    [501, { architecture: 'PlainConvUNet', title: 'nnU-Net CT', inference: { mirrorAxes: [0, 1, 2] } }],
    [
      502,
      {
        architecture: 'ResidualEncoderUNet',
        inference: { mirrorAxes: [] },
        normalization: { scheme: 'zscore', useMaskForNorm: true },
        nnunetV2: { labels: ['background', 'duodenum', 'pancreas', 'lesion'], pancreas: 2 },
      },
    ],
    [503, { architecture: 'PlainConvUNet', transposeForward: [2, 0, 1], orientation: 'as-stored' }],
    [511, { architecture: 'ResidualUNet', title: 'PanSegNet T2W', orientation: 'RAS' }],
  ])('%s is imported with what its plans say', async (model, expected) => {
    expect((await importReference(model, folder)).info).toMatchObject({ format: 2, ...expected });
  });

  test('give the same network out of the records and names of torch 2 and NumPy 2', async () => {
    const model = await run(trainedFolder(501));
    const copy = path.join(folder, 'copy');
    await cp(trainedFolder(501), copy, { recursive: true });
    await rm(path.join(copy, 'fold_0'), { recursive: true });
    await cp(shared('reference-v2/models/variants/torch2_numpy2'), path.join(copy, 'fold_0'), {
      recursive: true,
    });
    expect((await run(copy)).sha256).toBe(model.sha256);
  });

  test('list what must be refused, and each of it is tried here', async () => {
    const listed: { name: string }[] = JSON.parse(
      await readFile(shared('reference-v2/failures.json'), 'utf8'),
    );
    const tried = [...REFUSED, ...TAKEN].map(([name]) => name);
    expect(listed.map(({ name }) => name).filter((name) => !tried.includes(name))).toEqual([]);
  });
});

describe('training output is found', () => {
  test('wherever one points: at the trainer, the fold, the data set or above, and in zips', async () => {
    const trainer = await train();
    const model = await run(trainer);
    expect(notes).toEqual([]);
    const sources = [path.join(trainer, 'fold_0'), path.dirname(trainer), results(), folder];
    for (const source of sources)
      expect((await run(source, { output: path.join(folder, 'other') })).info).toEqual(model.info);
    for (const source of [results(), trainer])
      expect((await run(await zipped(source))).sha256).toBe(model.sha256);
    expect((await readdir(path.dirname(output))).toSorted()).toEqual(['pancreas']);
  });

  test('with all of its folds, and fold_all only where it is asked for', async () => {
    const trainer = await train({ folds: ['fold_0', 'fold_1'] });
    const model = await run(trainer);
    expect(model.networks.map((file) => path.basename(file))).toEqual(['fold_0.onnx', 'fold_1.onnx']);
    await cp(path.join(trainer, 'fold_0'), path.join(trainer, 'fold_all'), { recursive: true });
    expect((await run(trainer)).sha256).toBe(model.sha256);
    expect(notes).toEqual([expect.stringContaining('fold_all was left out')]);
    for (const fold of ['all', 'fold_all'])
      expect((await run(trainer, { fold })).info.source).toMatchObject({ folds: [{ fold: 'fold_all' }] });
    expect((await run(path.join(trainer, 'fold_all'))).networks).toHaveLength(1);
    await expect(run(trainer, { fold: '7' })).rejects.toThrow(
      'has no fold 7; it has fold_0, fold_1, fold_all',
    );
  });

  test('among several, by its name', async () => {
    const trainer = await train();
    const other = trainer.replace(/3d_fullres$/, '3d_lowres');
    await cp(trainer, other, { recursive: true });
    await writeSyntheticTraining(path.join(results(), 'nnUNet/3d_fullres'), TINY);
    const refusal = await run(results()).catch((error: Error) => error.message);
    expect(refusal).toMatch(/holds 3 trained models.*3d_lowres\n.*--training NAME/s);
    const training = 'nnUNetTrainer__nnUNetPlans__3d_fullres';
    expect((await run(results(), { training })).info.format).toBe(2);
    expect((await run(await zipped(results()), { training })).info.format).toBe(2);
    await expect(run(results(), { training: 'mine' })).rejects.toThrow(/has no trained model mine; it has:/);
    await run(other);
    expect(notes.at(-1)).toMatch(/name says configuration 3d_lowres, the checkpoint 3d_fullres/);
  });

  test('with another checkpoint than the final one only where it is asked for', async () => {
    const trainer = await train({ file: 'checkpoint_best.pth' });
    await expect(run(trainer)).rejects.toThrow(
      /expected checkpoint_final\.pth in fold_0; found only checkpoint_best\.pth.*--checkpoint FILE/,
    );
    expect((await run(trainer, { checkpoint: 'checkpoint_best.pth' })).networks).toHaveLength(1);
    const best = path.join(trainer, 'fold_0', 'checkpoint_best.pth');
    await cp(best, path.join(trainer, 'fold_0', 'checkpoint_final.pth'));
    await rename(best, path.join(trainer, 'fold_0', 'mine.pth'));
    await run(trainer);
    expect(notes.at(-1)).toBe('there are other checkpoints: mine.pth. To take one: --checkpoint FILE');
    await run(trainer, { checkpoint: 'mine.pth' });
    expect(facts.get('folds')).toBe('fold_0 (mine.pth)');
  });
});

describe('what is understood', () => {
  test('is told, for a person to check', async () => {
    await run(await train({}, TINY_RESIDUAL));
    expect(Object.fromEntries(facts)).toMatchObject({
      training: 'Dataset001_Pancreas, by nnU-Net v2',
      trainer: 'nnUNetTrainer',
      plans: 'nnUNetPlans, 3d_fullres',
      folds: 'fold_0 (checkpoint_final.pth)',
      images: 'CT',
      axes: 'z, y, x, as the file has them',
      spacing: '2.5 x 0.8 x 0.8 mm',
      patch: '4 x 8 x 8 voxels',
      intensities: 'CT, clipped to -90 and 200, mean 80, sd 45',
      reader: 'SimpleITKIO',
      labels: '0 background, 1 pancreas',
      pancreas: '1 pancreas',
      mirroring: "along axes 0, 1, 2 of the network's",
      postprocessing: 'none',
      network: 'ResidualEncoderUNet',
      epochs: '1000',
    });
  });

  test('is printed as a table', async () => {
    const cli = path.resolve(import.meta.dirname, '../../src/cli.ts');
    const args = ['models', 'import', await train(), '--name', 'a', '--modality', 'CT', '--output', output];
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], { cwd: folder });
    expect(stdout).toMatch(/^nnU-Net CT, version .*\n {2}training +Dataset001_Pancreas, by nnU-Net v2\n/);
    expect(stdout).toMatch(/\n {2}labels +0 background, 1 pancreas\n/);
  });

  const several = { ...TINY_V2, classes: 4 };
  test('which label is the pancreas has to be said where there are several', async () => {
    const trainer = await train(
      { dataset: { labels: { duct: 3, background: 0, pancreas: 2, duodenum: 1 } } },
      several,
    );
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'IMPORT_SOURCE',
      message: expect.stringMatching(/duodenum \(1\), pancreas \(2\), duct \(3\).*--label NAME/),
    });
    const named = await run(trainer, { label: 'pancreas' });
    expect(named.info.nnunetV2).toMatchObject({
      labels: ['background', 'duodenum', 'pancreas', 'duct'],
      pancreas: 2,
    });
    expect((await run(trainer, { label: '2' })).sha256).toBe(named.sha256);
    const other = await run(trainer, { label: 'duct' });
    expect(other.sha256).not.toBe(named.sha256);
    expect(notes.at(-1)).toMatch(/taken for the pancreas is called duct/);
    for (const label of ['background', '0', '4', 'liver'])
      await expect(run(trainer, { label })).rejects.toMatchObject({ code: 'IMPORT_SOURCE' });
  });
});

/** What is refused, as FAILURES.md of the reference has it and more: the edit, and words of the refusal. */
type Refused = readonly [name: string, options: SyntheticV2Options, code: string, words: RegExp];

const kwargs = (edit: Record<string, unknown>): SyntheticV2Options => ({
  plans: (_plans, _configuration, args) => void Object.assign(args, edit),
});
const configured = (edit: Record<string, unknown>): SyntheticV2Options => ({
  plans: (_plans, configuration) => void Object.assign(configuration, edit),
});
const networkClass = (name: string): SyntheticV2Options => ({
  plans: (_plans, { architecture }) =>
    void Object.assign(architecture as object, { network_class_name: name }),
});
const without = (key: string): SyntheticV2Options => ({
  entries: (entries) => void delete entries[key],
});
const withLabels = (labels: unknown, more = {}): SyntheticV2Options => ({ dataset: { labels, ...more } });
const configuration = (name: string, settings: unknown): SyntheticV2Options => ({
  plans: ({ configurations }) => void Object.assign(configurations as object, { [name]: settings }),
  entries: (entries) => {
    entries['init_args'] = dict({ configuration: text(name) });
  },
});
const anyTensor = () => tensor({ key: '0', length: 36, shape: [4] });

const REFUSED: readonly Refused[] = [
  ['unknown_network_class', networkClass('a.b.PrimusM'), 'PLANS_INVALID', /its network is a a\.b\.PrimusM/],
  [
    'moved_module_path',
    {
      plans: (_plans, { architecture }, args) => {
        Object.assign(architecture as object, { network_class_name: 'elsewhere.ResidualEncoderUNet' });
        args['n_blocks_per_stage'] = args['n_conv_per_stage'];
        delete args['n_conv_per_stage'];
      },
    },
    'CHECKPOINT_ARCHITECTURE',
    /encoder\.stem\.convs\.0\.conv\.weight: expected/,
  ],
  ['unknown_trainer', { trainer: 'MyTrainer' }, 'CHECKPOINT_ARCHITECTURE', /trained by MyTrainer/],
  ['trainer with batch norm', { trainer: 'nnUNetTrainerBN' }, 'CHECKPOINT_ARCHITECTURE', /nnUNetTrainerBN/],
  ['missing_trainer_name', without('trainer_name'), 'CHECKPOINT_UNREADABLE', /'trainer_name'/],
  ['missing_network_weights', without('network_weights'), 'CHECKPOINT_UNREADABLE', /'network_weights'/],
  ['missing_init_args', without('init_args'), 'CHECKPOINT_UNREADABLE', /'init_args'/],
  [
    'missing_weight',
    { weights: (weights) => void weights.delete('decoder.transpconvs.0.bias') },
    'CHECKPOINT_ARCHITECTURE',
    /decoder\.transpconvs\.0\.bias: expected \[8\], found no such parameter/,
  ],
  [
    'a missing second name',
    { weights: (weights) => void weights.delete('decoder.encoder.stages.1.0.convs.1.all_modules.1.bias') },
    'CHECKPOINT_ARCHITECTURE',
    /decoder\.encoder\.stages\.1\.0\.convs\.1\.all_modules\.1\.bias: expected/,
  ],
  [
    'extra_weight',
    { weights: (weights) => void weights.set('encoder.extra', anyTensor()) },
    'CHECKPOINT_ARCHITECTURE',
    /encoder\.extra: expected no such parameter/,
  ],
  [
    'second names with other values',
    { weights: (weights) => void weights.set('encoder.stages.0.0.convs.0.all_modules.1.bias', anyTensor()) },
    'CHECKPOINT_ARCHITECTURE',
    /convs\.0\.norm\.bias and encoder\.stages\.0\.0\.convs\.0\.all_modules\.1\.bias are one parameter/,
  ],
  [
    'class_count_mismatch',
    withLabels({ background: 0, pancreas: 1, duct: 2 }),
    'CHECKPOINT_ARCHITECTURE',
    /decoder\.seg_layers\.0\.weight: expected \[3, 8, 1, 1, 1\], found \[2/,
  ],
  [
    'regions',
    withLabels({ background: 0, whole: [1, 2], core: 2 }, { regions_class_order: [1, 2] }),
    'PLANS_INVALID',
    /labels are regions \(whole\): a sigmoid each/,
  ],
  [
    'regions_without_order',
    withLabels({ background: 0, whole: [1, 2], core: 2 }),
    'PLANS_INVALID',
    /regions_class_order, without which/,
  ],
  [
    'v1_style_labels',
    withLabels({ 0: 'background', 1: 'pancreas' }),
    'PLANS_INVALID',
    /number first, as nnU-Net v1 does/,
  ],
  ['no background', withLabels({ pancreas: 1 }), 'PLANS_INVALID', /no background/],
  ['another background', withLabels({ background: 1, pancreas: 0 }), 'PLANS_INVALID', /background is 1/],
  ['a label of words', withLabels({ background: 0, pancreas: 'one' }), 'PLANS_INVALID', /pancreas is "one"/],
  ['gap_in_labels', withLabels({ background: 0, pancreas: 2 }), 'PLANS_INVALID', /have a gap: pancreas is 2/],
  [
    'two labels of one value',
    withLabels({ background: 0, pancreas: 1, gland: 1 }),
    'PLANS_INVALID',
    /two labels are 1: pancreas and gland/,
  ],
  [
    'ignore below others',
    withLabels({ background: 0, ignore: 1, pancreas: 2 }),
    'PLANS_INVALID',
    /ignore is 1; expected 3/,
  ],
  [
    'two_channels',
    { dataset: { channel_names: { 0: 'T1', 1: 'T2' } } },
    'PLANS_INVALID',
    /takes 2 images \(T1, T2\)/,
  ],
  ['cascade', configured({ previous_stage: '3d_lowres' }), 'PLANS_INVALID', /second stage of a cascade/],
  [
    'cascade_configuration_old_plans',
    configuration('3d_cascade_fullres', { inherits_from: '3d_fullres', previous_stage: '3d_lowres' }),
    'PLANS_INVALID',
    /3d_cascade_fullres is the second stage of a cascade.*3d_lowres/,
  ],
  [
    '2d_configuration',
    configuration('2d', { inherits_from: '3d_fullres', patch_size: [64, 64] }),
    'PLANS_INVALID',
    /2d is a 2-D configuration/,
  ],
  [
    'unknown_configuration',
    { entries: (entries) => void (entries['init_args'] = dict({ configuration: text('3d_super') })) },
    'PLANS_INVALID',
    /no configuration 3d_super; the plans have 3d_fullres/,
  ],
  [
    'circular_inheritance',
    configuration('loop', { inherits_from: 'loop' }),
    'PLANS_INVALID',
    /loop inherits from itself/,
  ],
  [
    'unknown_normalization',
    configured({ normalization_schemes: ['MyNorm'] }),
    'PLANS_INVALID',
    /normalization is MyNorm/,
  ],
  [
    'no normalization',
    configured({ normalization_schemes: ['NoNormalization'] }),
    'PLANS_INVALID',
    /NoNormalization/,
  ],
  [
    'no intensities',
    { plans: (plans) => void delete plans['foreground_intensity_properties_per_channel'] },
    'PLANS_INVALID',
    /CTNormalization needs foreground_intensity_properties_per_channel/,
  ],
  [
    'unknown_preprocessor',
    configured({ preprocessor_name: 'MyPreprocessor' }),
    'PLANS_INVALID',
    /preprocessor_name is MyPreprocessor/,
  ],
  [
    'torch_resampling',
    configured({ resampling_fn_data: 'resample_torch_fornnunet', resampling_fn_data_kwargs: {} }),
    'PLANS_INVALID',
    /resamples by resample_torch_fornnunet, whose arithmetic is another/,
  ],
  [
    'unknown_resampling',
    configured({ resampling_fn_probabilities: 'no_such' }),
    'PLANS_INVALID',
    /resamples by no_such; expected/,
  ],
  [
    'another order',
    configured({ resampling_fn_data_kwargs: { is_seg: false, order: 2, order_z: 0 } }),
    'PLANS_INVALID',
    /arguments of resample_data_or_seg_to_shape.*order/s,
  ],
  [
    'unknown_reader',
    { plans: (plans) => void (plans['image_reader_writer'] = 'Tiff3DIO') },
    'PLANS_INVALID',
    /image_reader_writer is Tiff3DIO/,
  ],
  [
    'another label manager',
    { plans: (plans) => void (plans['label_manager'] = 'Mine') },
    'PLANS_INVALID',
    /label_manager is Mine/,
  ],
  [
    'batchnorm',
    kwargs({ norm_op: 'torch.nn.modules.batchnorm.BatchNorm3d' }),
    'PLANS_INVALID',
    /norm_op is torch\.nn\.modules\.batchnorm\.BatchNorm3d/,
  ],
  ['no affine norm', kwargs({ norm_op_kwargs: { eps: 1e-5 } }), 'PLANS_INVALID', /affine: true/],
  ['another activation', kwargs({ nonlin: 'torch.nn.GELU' }), 'PLANS_INVALID', /nonlin is torch\.nn\.GELU/],
  ['nonlin_first', kwargs({ nonlin_first: true }), 'PLANS_INVALID', /nonlin_first is set/],
  ['dropout', kwargs({ dropout_op: 'torch.nn.Dropout3d' }), 'PLANS_INVALID', /dropout_op is set/],
  ['another block', kwargs({ block: 'x.BottleneckD' }), 'PLANS_INVALID', /block is x\.BottleneckD/],
  ['an unknown argument', kwargs({ attention: true }), 'PLANS_INVALID', /attention = true, whose effect/],
  ['a 2-D convolution', kwargs({ conv_op: 'torch.nn.modules.conv.Conv2d' }), 'PLANS_INVALID', /Conv2d/],
  ['too few kernels', kwargs({ kernel_sizes: [3, 3] }), 'PLANS_INVALID', /2 kernel_sizes for a network of 3/],
  [
    'a patch that does not pool',
    configured({ patch_size: [4, 8, 10] }),
    'PLANS_INVALID',
    /4 x 8 x 10 is not a multiple of 4 along axis 2/,
  ],
  [
    'a patch that no memory holds',
    configured({ patch_size: [1024, 1024, 1024] }),
    'PLANS_INVALID',
    /patch_size/,
  ],
  [
    'compiled_prefix',
    {
      weights: (weights) => {
        const all = [...weights];
        weights.clear();
        for (const [name, value] of all) weights.set(`_orig_mod.${name}`, value);
      },
    },
    'CHECKPOINT_ARCHITECTURE',
    /named with '_orig_mod\.' in front/,
  ],
  [
    'neither_architecture_nor_UNet_class_name',
    { plans: (_plans, settings) => void delete settings['architecture'] },
    'PLANS_INVALID',
    /neither architecture .* nor UNet_class_name/,
  ],
  [
    'old_plans_unknown_class',
    {
      plans: (_plans, settings) => {
        delete settings['architecture'];
        Object.assign(settings, { ...OLD_PLANS, UNet_class_name: 'MyUNet' });
      },
    },
    'PLANS_INVALID',
    /its network is a MyUNet/,
  ],
  [
    'weights that are no numbers',
    {
      change: (name, values) => {
        if (name === 'decoder.seg_layers.0.bias') values[0] = Number.NaN;
      },
    },
    'CHECKPOINT_VALUES',
    /decoder\.seg_layers\.0\.bias: expected finite numbers/,
  ],
  [
    'mirroring along no axis',
    { entries: (entries) => void (entries['inference_allowed_mirroring_axes'] = tuple(int(3))) },
    'CHECKPOINT_UNREADABLE',
    /inference_allowed_mirroring_axes/,
  ],
  [
    'folds with other mirroring',
    {
      folds: ['fold_0', 'fold_1'],
      entries: (entries, fold) => {
        if (fold === 'fold_1') entries['inference_allowed_mirroring_axes'] = none;
      },
    },
    'CHECKPOINT_ARCHITECTURE',
    /fold_1.*differ from those of the first fold.*mirroring none/,
  ],
  ['a checkpoint of v1', { entries: asV1 }, 'CHECKPOINT_UNREADABLE', /a checkpoint of nnU-Net v1/],
  ['no_plans_json', {}, 'IMPORT_SOURCE', /plans\.json is not there; expected it beside the folds/],
  ['no_dataset_json', {}, 'IMPORT_SOURCE', /dataset\.json is not there/],
  ['only_fold_all', { folds: ['fold_all'] }, 'IMPORT_SOURCE', /fold_all alone.*--fold all/],
];

function asV1(entries: Record<string, Buffer>): void {
  delete entries['network_weights'];
  entries['state_dict'] = orderedDict();
}

const OLD_PLANS = {
  UNet_class_name: 'PlainConvUNet',
  UNet_base_num_features: 4,
  unet_max_num_features: 8,
  n_conv_per_stage_encoder: [2, 2, 2],
  n_conv_per_stage_decoder: [2, 2],
  pool_op_kernel_sizes: TINY_V2.strides,
  conv_kernel_sizes: TINY_V2.kernels,
};

describe('what cannot be used exactly is refused, each with its own words', () => {
  test.each(REFUSED)('%s', async (name, options, code, words) => {
    const trainer = await train(options);
    if (name === 'no_plans_json') await rm(path.join(trainer, 'plans.json'));
    if (name === 'no_dataset_json') await rm(path.join(trainer, 'dataset.json'));
    const importing = run(trainer, { label: 'pancreas' });
    await expect(importing).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
    const left = await readdir(path.dirname(output)).catch(() => []);
    expect(left).toEqual([]);
  });
});

/** What looks odd and is right, with what has to come of it. */
const TAKEN: readonly (readonly [string, SyntheticV2Options, object])[] = [
  ['missing_mirroring_key', without('inference_allowed_mirroring_axes'), { inference: { mirrorAxes: [] } }],
  [
    'ignore_label',
    withLabels({ background: 0, pancreas: 1, ignore: 2 }),
    { nnunetV2: { labels: ['background', 'pancreas'] } },
  ],
  [
    'modality_instead_of_channel_names',
    { dataset: { modality: { 0: 'CT' }, channel_names: undefined } },
    { modality: 'CT' },
  ],
  ['relu', kwargs({ nonlin: 'torch.nn.ReLU' }), {}],
  ['another slope', kwargs({ nonlin_kwargs: { inplace: true, negative_slope: 0.2 } }), {}],
  [
    'a region of one label',
    withLabels({ background: 0, pancreas: [1] }),
    { nnunetV2: { labels: ['background', 'pancreas'] } },
  ],
  [
    'intensities of very old plans',
    {
      plans: (plans) => {
        plans['foreground_intensity_properties_by_modality'] =
          plans['foreground_intensity_properties_per_channel'];
        delete plans['foreground_intensity_properties_per_channel'];
      },
    },
    { normalization: { mean: 80 } },
  ],
  [
    'another function arguments',
    configured({ resampling_fn_data_kwargs: { order: 1, order_z: 1, force_separate_z: true } }),
    { nnunetV2: { resampling: { data: { order: 1, orderZ: 1, forceSeparateZ: true } } } },
  ],
  [
    'arguments that are left out',
    configured({ resampling_fn_data_kwargs: {} }),
    { nnunetV2: { resampling: { data: { order: 3, orderZ: 0, forceSeparateZ: false } } } },
  ],
];

describe('what looks odd and is right', () => {
  test.each(TAKEN)('is taken as nnU-Net takes it: %s', async (_, options, expected) => {
    expect((await run(await train(options))).info).toMatchObject(expected);
  });

  test('numbers that JSON has no words for, where they are not needed', async () => {
    const trainer = await train();
    const plans = path.join(trainer, 'plans.json');
    const written = await readFile(plans, 'utf8');
    await writeFile(plans, written.replace('"plans_name"', '"a": [NaN, -Infinity], "b": NaN, "plans_name"'));
    expect((await run(trainer)).networks).toHaveLength(1);
  });

  test('old plans give the network of new ones', async () => {
    const model = await run(await train());
    const old = await train({
      plans: (_plans, settings) => {
        delete settings['architecture'];
        Object.assign(settings, OLD_PLANS);
      },
    });
    expect((await run(old)).sha256).toBe(model.sha256);
  });

  test('numbers stand for lists of equal ones', async () => {
    const network = { ...TINY_V2, kernels: TINY_V2.kernels.map(() => [3, 3, 3] as const) };
    const model = await run(await train({}, network));
    const short = await train(
      kwargs({ kernel_sizes: 3, n_conv_per_stage: 2, n_conv_per_stage_decoder: 2 }),
      network,
    );
    expect((await run(short)).sha256).toBe(model.sha256);
  });

  test('the activation and its slope change the network', async () => {
    const hashes = new Set<string>();
    for (const edit of [{}, { nonlin: 'torch.nn.ReLU' }, { nonlin_kwargs: { negative_slope: 0.2 } }])
      hashes.add((await run(await train(kwargs(edit)))).sha256);
    expect(hashes.size).toBe(3);
  });
});

describe('hostile checkpoints', () => {
  test('are refused for a class that no checkpoint needs, in any of their entries', async () => {
    const evil = Buffer.from('cos\nsystem\n(X\u0002\0\0\0idtR', 'latin1');
    const trainer = await train({ entries: (entries) => void (entries['logging'] = evil) });
    await expect(run(trainer)).rejects.toMatchObject({
      code: 'CHECKPOINT_REFUSED',
      message: expect.stringContaining("'os.system'"),
    });
  });

  test('are refused for a device that is none', async () => {
    const device = Buffer.from('ctorch\ndevice\n(]tR', 'latin1');
    const trainer = await train({ entries: (entries) => void (entries['logging'] = dict({ device })) });
    await expect(run(trainer)).rejects.toMatchObject({ code: 'CHECKPOINT_REFUSED' });
  });

  test('are refused where parameters are no tensors', async () => {
    const trainer = await train({ weights: (weights) => void weights.set('encoder.x', list(float(1))) });
    await expect(run(trainer)).rejects.toMatchObject({ code: 'CHECKPOINT_UNREADABLE' });
  });
});

describe("nnU-Net v1's own", () => {
  const trainV1 = () => writeSyntheticTraining(path.join(folder, 'v1'), TINY);

  test('checkpoints of other names are listed, and taken where they are asked for', async () => {
    const trainer = await trainV1();
    const model = await run(trainer);
    const named = (name: string) => path.join(trainer, 'fold_0', name);
    await cp(named('model_final_checkpoint.model'), named('base_ep4k.model'));
    await run(trainer);
    expect(notes.at(-1)).toMatch(/other checkpoints: base_ep4k\.model/);
    expect((await run(trainer, { checkpoint: 'base_ep4k.model' })).sha256).toBe(model.sha256);
    expect(notes.at(-1)).toMatch(/base_ep4k\.model\.pkl is not there; the plans are those of model_final/);
    await rm(named('model_final_checkpoint.model'));
    await expect(run(trainer)).rejects.toThrow(
      /found only base_ep4k\.model\. To take another: --checkpoint FILE/,
    );
    await rename(named('model_final_checkpoint.model.pkl'), named('base_ep4k.model.pkl'));
    await rm(path.join(trainer, 'plans.pkl'));
    expect((await run(trainer, { checkpoint: 'base_ep4k.model' })).sha256).toBe(model.sha256);
  });

  test('postprocessing.json in a fold is pointed out, and used where that is asked for', async () => {
    const trainer = await trainV1();
    const json = path.join(trainer, 'fold_0', 'postprocessing.json');
    await writeFile(json, '{"for_which_classes": [1]}');
    expect((await run(trainer)).info.postprocessing.keepLargestComponent).toBe(false);
    expect(notes).toEqual([
      expect.stringMatching(/fold_0\/postprocessing\.json does not count.*--postprocessing/),
    ]);
    for (const postprocessing of [json, 'fold_0/postprocessing.json', 'postprocessing.json'])
      expect((await run(trainer, { postprocessing })).info.postprocessing.keepLargestComponent).toBe(true);
    expect(facts.get('postprocessing')).toMatch(
      /keeps the largest component \(.*fold_0\/postprocessing\.json\)/,
    );
    await expect(run(trainer, { postprocessing: 'absent.json' })).rejects.toThrow('no file absent.json');
  });

  test("postprocessing of nnU-Net v2 is pointed out, never done: its prediction doesn't either", async () => {
    const trained = await train();
    const kept = path.join(trained, 'crossval_results_folds_0_1_2_3_4', 'postprocessing.pkl');
    await mkdir(path.dirname(kept));
    await writeFile(kept, '');
    const { info } = await run(trained);
    expect(info.postprocessing.keepLargestComponent).toBe(false);
    expect(notes.at(-1)).toMatch(/crossval_results\S+postprocessing\.pkl does not count/);
    await expect(run(trained, { postprocessing: kept })).rejects.toThrow(/not done for models of nnU-Net v2/);
  });
});
