import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  dict,
  float,
  global,
  int,
  list,
  numpyFloat,
  orderedDict,
  reduce,
  text,
  tuple,
} from './pickle-writer.ts';
import { FULL_SIZE, normalNumbers, type SyntheticNetwork, type Three, TINY } from './synthetic-training.ts';
import { gatherTensors, product, writeTorchZip } from './torch-writer.ts';

export interface SyntheticV2 {
  readonly kind: 'PlainConvUNet' | 'ResidualEncoderUNet';
  /** Per stage, the bottleneck last. */
  readonly features: readonly number[];
  readonly strides: readonly Three[];
  readonly kernels: readonly Three[];
  /** Convolutions or blocks of each stage of the encoder; convolutions of the decoder's. */
  readonly encoder: readonly number[];
  readonly decoder: readonly number[];
  readonly patchSize: Three;
  readonly classes: number;
}

/** v2 counts the first stage's stride, v1 pools between levels. */
const shapeOf = ({ features, pools, kernels, patchSize }: SyntheticNetwork) => ({
  features,
  strides: [[1, 1, 1], ...pools] as const,
  kernels,
  patchSize,
});

/** A network in a few kilobytes. */
export const TINY_V2: SyntheticV2 = {
  kind: 'PlainConvUNet',
  ...shapeOf(TINY),
  encoder: [2, 2, 2],
  decoder: [2, 2],
  classes: 2,
};

export const TINY_RESIDUAL: SyntheticV2 = {
  ...TINY_V2,
  kind: 'ResidualEncoderUNet',
  encoder: [1, 2, 3],
  decoder: [1, 1],
};

/** As nnU-Net v2 plans it for abdominal CT: 31 million parameters. */
export const FULL_SIZE_V2: SyntheticV2 = {
  kind: 'PlainConvUNet',
  ...shapeOf(FULL_SIZE),
  encoder: [2, 2, 2, 2, 2, 2],
  decoder: [2, 2, 2, 2, 2],
  patchSize: [40, 224, 192],
  classes: 2,
};

type Json = Record<string, unknown>;

export interface SyntheticV2Options {
  readonly seed?: number;
  readonly folds?: readonly string[];
  readonly trainer?: string;
  readonly momentum?: boolean;
  /** The checkpoints' file name. */
  readonly file?: string;
  /** What comes in place of `classes` labels of which 1 is the pancreas. */
  readonly dataset?: Json;
  /** Edits plans.json; `configuration` is 3d_fullres, `kwargs` its arch_kwargs. */
  readonly plans?: (plans: Json, configuration: Json, kwargs: Json) => void;
  /** Edits the pickled entries of a checkpoint. */
  readonly entries?: (entries: Record<string, Buffer>, fold: string) => void;
  /** Edits the pickled parameters. */
  readonly weights?: (weights: Map<string, Buffer>) => void;
  /** Changes the values of a parameter, of all folds. */
  readonly change?: (name: string, values: Float32Array) => void;
}

/**
 * Writes nnU-Net v2 training output with random weights below `folder`: dataset/trainer__plans__3d_fullres.
 * @returns the trainer's folder
 */
export async function writeSyntheticV2(
  folder: string,
  network: SyntheticV2,
  options: SyntheticV2Options = {},
): Promise<string> {
  const { seed = 1, folds = ['fold_0'], trainer = 'nnUNetTrainer', file = 'checkpoint_final.pth' } = options;
  const trained = path.join(folder, 'Dataset001_Pancreas', `${trainer}__nnUNetPlans__3d_fullres`);
  await mkdir(trained, { recursive: true });
  for (const [index, fold] of folds.entries()) {
    await mkdir(path.join(trained, fold), { recursive: true });
    await writeCheckpoint(path.join(trained, fold, file), network, seed + index, fold, trainer, options);
  }
  await writeFile(path.join(trained, 'plans.json'), JSON.stringify(plansOf(network, options), undefined, 4));
  const labels = Object.fromEntries(
    Array.from({ length: network.classes }, (_, label) => [
      ['background', 'pancreas'][label] ?? `other ${label}`,
      label,
    ]),
  );
  const dataset = { channel_names: { 0: 'CT' }, labels, numTraining: 3, file_ending: '.nii.gz' };
  await writeFile(path.join(trained, 'dataset.json'), JSON.stringify({ ...dataset, ...options.dataset }));
  return trained;
}

function plansOf(network: SyntheticV2, { plans: edit }: SyntheticV2Options): Json {
  const { kind, features, strides, kernels, encoder, decoder, patchSize } = network;
  const kwargs: Json = {
    n_stages: features.length,
    features_per_stage: features,
    conv_op: 'torch.nn.modules.conv.Conv3d',
    kernel_sizes: kernels,
    strides,
    [kind === 'PlainConvUNet' ? 'n_conv_per_stage' : 'n_blocks_per_stage']: encoder,
    n_conv_per_stage_decoder: decoder,
    conv_bias: true,
    norm_op: 'torch.nn.modules.instancenorm.InstanceNorm3d',
    norm_op_kwargs: { eps: 1e-5, affine: true },
    dropout_op: null,
    dropout_op_kwargs: null,
    nonlin: 'torch.nn.LeakyReLU',
    nonlin_kwargs: { inplace: true },
  };
  const resampling = { is_seg: false, order_z: 0, force_separate_z: null };
  const configuration: Json = {
    data_identifier: 'nnUNetPlans_3d_fullres',
    preprocessor_name: 'DefaultPreprocessor',
    batch_size: 2,
    patch_size: patchSize,
    spacing: [2.5, 0.8, 0.8],
    normalization_schemes: ['CTNormalization'],
    use_mask_for_norm: [false],
    resampling_fn_data: 'resample_data_or_seg_to_shape',
    resampling_fn_data_kwargs: { ...resampling, order: 3 },
    resampling_fn_probabilities: 'resample_data_or_seg_to_shape',
    resampling_fn_probabilities_kwargs: { ...resampling, order: 1 },
    architecture: {
      network_class_name: `dynamic_network_architectures.architectures.unet.${kind}`,
      arch_kwargs: kwargs,
      _kw_requires_import: ['conv_op', 'norm_op', 'dropout_op', 'nonlin'],
    },
    batch_dice: false,
  };
  const plans: Json = {
    dataset_name: 'Dataset001_Pancreas',
    plans_name: 'nnUNetPlans',
    image_reader_writer: 'SimpleITKIO',
    transpose_forward: [0, 1, 2],
    transpose_backward: [0, 1, 2],
    configurations: { '3d_fullres': configuration },
    label_manager: 'LabelManager',
    foreground_intensity_properties_per_channel: {
      0: { mean: 80, std: 45, median: 90, min: -300, max: 1200, percentile_00_5: -90, percentile_99_5: 200 },
    },
  };
  edit?.(plans, configuration, kwargs);
  return plans;
}

/** A parameter, under all of its names. */
interface Parameter {
  readonly names: readonly string[];
  readonly shape: readonly number[];
  readonly spread: number;
  readonly center?: number;
}

async function writeCheckpoint(
  file: string,
  network: SyntheticV2,
  seed: number,
  fold: string,
  trainer: string,
  { momentum = false, entries: edit, weights: editWeights, change }: SyntheticV2Options,
): Promise<void> {
  const random = normalNumbers(seed);
  const { storages, add: added } = gatherTensors();
  const parameters = parametersOf(network);
  const weights = new Map<string, Buffer>();
  for (const { names, shape, spread, center = 0 } of parameters) {
    const written = added(shape, () => {
      const values = new Float32Array(product(shape)).map(() => center + spread * random());
      change?.(names[0] ?? '', values);
      return values;
    });
    for (const name of names) weights.set(name, written);
  }
  editWeights?.(weights);
  const buffers = momentum
    ? parameters.map(({ shape, spread }, index) => {
        const make = () => new Float32Array(product(shape)).map(() => (spread * random()) / 100);
        return [int(index), dict({ momentum_buffer: added(shape, make) })] as const;
      })
    : [];
  const entries: Record<string, Buffer> = {
    network_weights: orderedDict(Object.fromEntries(weights)),
    optimizer_state: dict({ state: dict(buffers), param_groups: list() }),
    grad_scaler_state: dict({ scale: float(65536) }),
    logging: dict({ mean_fg_dice: list(numpyFloat(0.8)), ema_fg_dice: list(), train_losses: list() }),
    _best_ema: numpyFloat(0.8),
    current_epoch: int(1000),
    init_args: dict({
      plans: dict({ plans_name: text('nnUNetPlans') }),
      configuration: text('3d_fullres'),
      fold: int(0),
      dataset_json: dict(),
      device: reduce(global('torch', 'device'), text('cuda')),
    }),
    trainer_name: text(trainer),
    inference_allowed_mirroring_axes: tuple(int(0), int(1), int(2)),
  };
  edit?.(entries, fold);
  await writeTorchZip(file, dict(entries), storages, { root: 'checkpoint_final' });
}

/** In the order in which the original registers them, but for the names that come again. */
function parametersOf(network: SyntheticV2): Parameter[] {
  const { kind, features, strides, kernels, encoder, decoder, classes } = network;
  const feature = (stage: number) => features[stage] ?? 1;
  const kernel = (stage: number): Three => kernels[stage] ?? [3, 3, 3];
  const isResidual = kind === 'ResidualEncoderUNet';
  const stem = isResidual ? conv('encoder.stem.convs.0', 1, feature(0), kernel(0)) : [];
  const stages = features.flatMap((channels, stage) => {
    const below = stage > 0 ? feature(stage - 1) : isResidual ? channels : 1;
    return Array.from({ length: encoder[stage] ?? 0 }, (_, i) => {
      const input = i === 0 ? below : channels;
      if (!isResidual) return conv(`encoder.stages.${stage}.0.convs.${i}`, input, channels, kernel(stage));
      const name = `encoder.stages.${stage}.blocks.${i}`;
      const isStrided = i === 0 && product(strides[stage] ?? []) > 1;
      return [
        ...conv(`${name}.conv1`, input, channels, kernel(stage)),
        ...conv(`${name}.conv2`, channels, channels, kernel(stage)),
        ...(input === channels
          ? []
          : conv(`${name}.skip.${isStrided ? 1 : 0}`, input, channels, [1, 1, 1], false)),
      ];
    }).flat();
  });
  const levels = decoder.flatMap((count, up) => {
    const stage = features.length - 2 - up;
    const channels = feature(stage);
    return [
      ...Array.from({ length: count }, (_, i) =>
        conv(`decoder.stages.${up}.convs.${i}`, i === 0 ? 2 * channels : channels, channels, kernel(stage)),
      ).flat(),
      one(
        `decoder.transpconvs.${up}.weight`,
        [feature(stage + 1), channels, ...(strides[stage + 1] ?? [])],
        Math.sqrt(1 / feature(stage + 1)),
      ),
      one(`decoder.transpconvs.${up}.bias`, [channels], 0.1),
      one(`decoder.seg_layers.${up}.weight`, [classes, channels, 1, 1, 1], Math.sqrt(2 / channels)),
      one(`decoder.seg_layers.${up}.bias`, [classes], 0.1),
    ];
  });
  return [...stem, ...stages, ...levels];
}

const one = (name: string, shape: readonly number[], spread: number, center = 0): Parameter => ({
  names: name.startsWith('encoder.') ? [name, `decoder.${name}`] : [name],
  shape,
  spread,
  center,
});

/** He's initialization; offsets and normalization are off 0 and 1, so that each counts. */
function conv(name: string, input: number, output: number, kernel: Three, hasBias = true): Parameter[] {
  const both = (own: string, again: string, shape: readonly number[], spread: number, center = 0) => {
    const names = [own, again].flatMap((end) => one(`${name}.${end}`, shape, spread).names);
    return { names, shape, spread, center };
  };
  const spread = Math.sqrt(2 / (input * product(kernel)));
  return [
    both('conv.weight', 'all_modules.0.weight', [output, input, ...kernel], spread),
    ...(hasBias ? [both('conv.bias', 'all_modules.0.bias', [output], 0.05)] : []),
    both('norm.weight', 'all_modules.1.weight', [output], 0.1, 1),
    both('norm.bias', 'all_modules.1.bias', [output], 0.1),
  ];
}
