import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  bool,
  dict,
  float,
  int,
  list,
  none,
  numpyArray,
  numpyFloat,
  orderedDict,
  pickled,
  text,
  tuple,
} from './pickle-writer.ts';
import { gatherTensors, product, writeTorchZip } from './torch-writer.ts';

export type Three = readonly [number, number, number];

export interface SyntheticNetwork {
  readonly task: string;
  /** Per level, the bottleneck last. */
  readonly features: readonly number[];
  readonly pools: readonly Three[];
  /** One more than `pools`. */
  readonly kernels: readonly Three[];
  readonly patchSize: Three;
  /** Of the transformer on the bottleneck; a plain U-Net has none. */
  readonly attention?: { readonly dims: number; readonly layers: number };
}

/** As nnU-Net plans it for abdominal CT, with the transformer of the authors: 43.7 million parameters. */
export const FULL_SIZE: SyntheticNetwork = {
  task: 'Task109_Pancreas',
  features: [32, 64, 128, 256, 320, 320],
  pools: [
    [1, 2, 2],
    [2, 2, 2],
    [2, 2, 2],
    [2, 2, 2],
    [1, 2, 2],
  ],
  kernels: [
    [1, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
  ],
  patchSize: [40, 224, 224],
  attention: { dims: 512, layers: 8 },
};

/** The same kind of network in a few kilobytes. */
export const TINY: SyntheticNetwork = {
  task: 'Task109_Pancreas',
  features: [4, 8, 8],
  pools: [
    [1, 2, 2],
    [2, 2, 2],
  ],
  kernels: [
    [1, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
  ],
  patchSize: [4, 8, 8],
  attention: { dims: 16, layers: 2 },
};

/** A parameter: its values are normal with standard deviation `spread` around `center`, or given. */
interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly spread: number;
  readonly center?: number;
  readonly values?: () => Float32Array<ArrayBuffer>;
}

export interface SyntheticOptions {
  readonly seed?: number;
  /** Momentum doubles the file, as in the authors'. */
  readonly momentum?: boolean;
  readonly folds?: readonly string[];
  /** Class of the trainer. */
  readonly trainer?: string;
  /** Pickled entries that take the place of those in the plans. */
  readonly plans?: Readonly<Record<string, Buffer>>;
  /** Pickled entries that take the place of those in the plans of the stage. */
  readonly stage?: Readonly<Record<string, Buffer>>;
  /** Pickled arguments of the trainer. */
  readonly init?: Buffer;
  /** Changes the values of a parameter, of all folds. */
  readonly change?: (name: string, values: Float32Array) => void;
}

/**
 * Writes nnU-Net v1 training output with random weights below `folder`, as task/trainer__plans.
 * @returns the trainer's folder
 */
export async function writeSyntheticTraining(
  folder: string,
  network: SyntheticNetwork,
  options: SyntheticOptions = {},
): Promise<string> {
  const { seed = 1, folds = ['fold_0'], trainer = 'nnTransUNetTrainerV2' } = options;
  const trained = path.join(folder, network.task, `${trainer}__nnUNetPlansv2.1`);
  const plans = writtenPlans(network, options);
  for (const [index, fold] of folds.entries()) {
    await mkdir(path.join(trained, fold), { recursive: true });
    const checkpoint = path.join(trained, fold, 'model_final_checkpoint.model');
    await writeCheckpoint(checkpoint, network, seed + index, options);
    const info = orderedDict({
      init: options.init ?? trainerArguments(network.task, index),
      name: text(trainer),
      class: text(`<class 'nnunet.training.network_training.${trainer}.${trainer}'>`),
      plans,
    });
    await writeFile(`${checkpoint}.pkl`, pickled(info));
  }
  await writeFile(path.join(trained, 'plans.pkl'), pickled(plans));
  return trained;
}

async function writeCheckpoint(
  file: string,
  network: SyntheticNetwork,
  seed: number,
  { momentum = false, change }: SyntheticOptions,
): Promise<void> {
  const random = normalNumbers(seed);
  const { storages, add: addTensor } = gatherTensors();
  const drawn = (shape: readonly number[], spread: number, center = 0) =>
    new Float32Array(product(shape)).map(() => center + spread * random());
  const parameters = parametersOf(network);
  const state = parameters.map(({ name, shape, spread, center, values }) => {
    const make = () => {
      const made = values?.() ?? drawn(shape, spread, center);
      change?.(name, made);
      return made;
    };
    return [name, addTensor(shape, make)] as const;
  });
  const trainable = momentum ? parameters.filter(({ values }) => !values) : [];
  const buffers = trainable.map(({ shape, spread }, index) => {
    const buffer = addTensor(shape, () => drawn(shape, spread / 100));
    return [int(index), dict({ momentum_buffer: buffer })] as const;
  });
  const object = dict({
    epoch: int(1000),
    state_dict: orderedDict(Object.fromEntries(state)),
    optimizer_state_dict: dict({ state: dict(buffers), param_groups: list() }),
    lr_scheduler_state_dict: none,
    plot_stuff: tuple(list(numpyFloat(-0.5)), list(), list(), list(numpyFloat(0.8))),
    best_stuff: tuple(int(990), numpyFloat(-0.6), numpyFloat(0.85)),
    amp_grad_scaler: dict({ scale: float(65536) }),
  });
  await writeTorchZip(file, object, storages, { root: 'model_final_checkpoint' });
}

/** In the order in which the original registers them. */
function parametersOf(network: SyntheticNetwork): Parameter[] {
  const { features, pools, kernels, attention } = network;
  const feature = (level: number) => features.at(level) ?? 1;
  const levels = pools.length;
  const decoder = pools.toReversed().flatMap((_, up) => {
    const skip = feature(levels - 1 - up);
    const kernel = kernels.at(-1 - up) ?? [3, 3, 3];
    const name = `conv_blocks_localization.${up}`;
    return [
      ...convolution(`${name}.0.blocks.0`, 2 * skip, skip, kernel),
      ...convolution(`${name}.1.blocks.0`, skip, skip, kernel),
    ];
  });
  const encoder = features.flatMap((channels, level) => {
    const below = level === 0 ? 1 : feature(level - 1);
    const kernel = kernels[level] ?? [3, 3, 3];
    const name = `conv_blocks_context.${level}`;
    const [first, second] = level === levels ? ['0.blocks.0', '1.blocks.0'] : ['blocks.0', 'blocks.1'];
    return [
      ...convolution(`${name}.${first}`, below, channels, kernel),
      ...convolution(`${name}.${second}`, channels, channels, kernel),
    ];
  });
  const upsampling = pools.toReversed().map((pool, up) => {
    const shape = [feature(levels - up), feature(levels - 1 - up), ...pool];
    return { name: `tu.${up}.weight`, shape, spread: Math.sqrt(1 / feature(levels - up)) };
  });
  const outputs = pools.map((_, up) => {
    const channels = feature(levels - 1 - up);
    return {
      name: `seg_outputs.${up}.weight`,
      shape: [2, channels, 1, 1, 1],
      spread: Math.sqrt(2 / channels),
    };
  });
  return [
    ...decoder,
    ...encoder,
    ...upsampling,
    ...outputs,
    ...(attention ? attentionParameters(network, attention.dims, attention.layers) : []),
  ];
}

/**
 * He's initialization, as nnU-Net does it; offsets and normalization are off 0 and 1, so that each counts.
 */
const convolution = (name: string, input: number, output: number, kernel: Three): Parameter[] => [
  {
    name: `${name}.conv.weight`,
    shape: [output, input, ...kernel],
    spread: Math.sqrt(2 / (input * product(kernel))),
  },
  { name: `${name}.conv.bias`, shape: [output], spread: 0.05 },
  { name: `${name}.instnorm.weight`, shape: [output], spread: 0.1, center: 1 },
  { name: `${name}.instnorm.bias`, shape: [output], spread: 0.1 },
];

const linear = (name: string, input: number, output: number): Parameter[] => [
  { name: `${name}.weight`, shape: [output, input], spread: Math.sqrt(1 / input) },
  { name: `${name}.bias`, shape: [output], spread: 0.05 },
];

function attentionParameters(
  { features, pools, patchSize }: SyntheticNetwork,
  dims: number,
  layers: number,
): Parameter[] {
  const channels = features.at(-1) ?? 1;
  const tokens = product(patchSize) / product(pools.map(product));
  const layer = (index: number) => {
    const name = `self_atten.transformer.layers.${index}`;
    return [
      ...[0, 1, 2, 3].flatMap((projection) => linear(`${name}.self_attn.linears.${projection}`, dims, dims)),
      ...linear(`${name}.linear1`, dims, dims),
      ...linear(`${name}.linear2`, dims, dims),
      ...['layer_norm1', 'layer_norm2'].flatMap((norm) => [
        { name: `${name}.${norm}.weight`, shape: [dims], spread: 0.1, center: 1 },
        { name: `${name}.${norm}.bias`, shape: [dims], spread: 0.1 },
      ]),
    ];
  };
  return [
    ...linear('self_atten.linear_proj', channels, dims),
    ...linear('self_atten.linear_back_proj', dims, channels),
    {
      name: 'self_atten.pos_encode.pe',
      shape: [1, tokens, dims],
      spread: 0,
      values: () => positionalEncoding(tokens, dims),
    },
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
  ];
}

/** Sine and cosine of the token's index, at rates that fall from dimension to dimension. */
function positionalEncoding(tokens: number, dims: number): Float32Array<ArrayBuffer> {
  const code = new Float32Array(tokens * dims);
  for (let token = 0; token < tokens; token++)
    for (let dim = 0; dim < dims; dim++) {
      const angle = token * Math.exp((-Math.log(10_000) / dims) * (dim - (dim % 2)));
      code[token * dims + dim] = dim % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  return code;
}

/** Normal numbers by Box and Muller, of mulberry32's uniform ones. */
export function normalNumbers(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const ints = (values: readonly number[]): Buffer => list(...values.map(int));

function writtenPlans(
  { task, patchSize, pools, kernels, features }: SyntheticNetwork,
  { plans, stage }: SyntheticOptions,
): Buffer {
  const spacing = numpyArray('f8', [2.5, 0.8, 0.8]);
  const channel = (value: Buffer) => orderedDict([[int(0), value]]);
  const ofStage = dict({
    batch_size: int(2),
    num_pool_per_axis: ints([0, 1, 2].map((axis) => pools.filter((pool) => (pool[axis] ?? 1) > 1).length)),
    patch_size: numpyArray('i8', patchSize),
    median_patient_size_in_voxels: numpyArray('i8', [93, 512, 512]),
    current_spacing: spacing,
    original_spacing: spacing,
    do_dummy_2D_data_aug: bool(true),
    pool_op_kernel_sizes: list(...pools.map(ints)),
    conv_kernel_sizes: list(...kernels.map(ints)),
    ...stage,
  });
  return dict({
    num_stages: int(1),
    num_modalities: int(1),
    modalities: dict([[int(0), text('CT')]]),
    normalization_schemes: channel(text('CT')),
    dataset_properties: dict({ intensityproperties: channel(intensities()) }),
    list_of_npz_files: list(text(`nnUNet/${task}/case_000.npz`)),
    num_classes: int(1),
    all_classes: ints([1]),
    base_num_features: int(features[0] ?? 1),
    use_mask_for_norm: channel(bool(false)),
    keep_only_largest_region: none,
    min_region_size_per_class: none,
    min_size_per_class: none,
    transpose_forward: ints([0, 1, 2]),
    transpose_backward: ints([0, 1, 2]),
    data_identifier: text('nnUNetData_plans_v2.1'),
    plans_per_stage: dict([[int(0), ofStage]]),
    preprocessor_name: text('GenericPreprocessor'),
    conv_per_stage: int(2),
    ...plans,
  });
}

const intensities = (): Buffer =>
  orderedDict({
    median: numpyFloat(90),
    mean: numpyFloat(80),
    sd: numpyFloat(45),
    mn: numpyFloat(-300),
    mx: numpyFloat(1200),
    percentile_99_5: numpyFloat(200),
    percentile_00_5: numpyFloat(-90),
  });

/** Stage 0 is the sixth. */
const trainerArguments = (task: string, fold: number): Buffer =>
  tuple(
    text(`nnUNet/${task}/nnUNetPlansv2.1_plans_3D.pkl`),
    int(fold),
    text(`nnUNet/${task}/nnTransUNetTrainerV2__nnUNetPlansv2.1`),
    text(`nnUNet/${task}`),
    bool(true),
    int(0),
    bool(true),
    bool(false),
    bool(true),
  );
