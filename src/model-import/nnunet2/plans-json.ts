import { z } from 'zod';
import { elements } from '../../segmentation/array3.ts';
import type { ModelInfo, NormalizationScheme } from '../../segmentation/model/model-info.ts';
import type { Resampling } from '../../segmentation/resampling/resampling.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { type NetworkSettings, readNetworkSettings } from './architecture-plan.ts';
import { resolveConfiguration } from './configuration.ts';
import { checked, parseJson } from './json-file.ts';

const positive = z.number().positive();
const count = z.int().positive();
const axis = z.union([z.literal(0), z.literal(1), z.literal(2)]);

/** How each reader's arrays lie; an array z, y, x of the file, unless it is turned first. */
const READERS: Readonly<Record<string, ModelInfo['orientation']>> = {
  SimpleITKIO: 'as-stored',
  NibabelIO: 'as-stored',
  NibabelIOWithReorient: 'RAS',
  SimpleITKIOWithReorient: 'RAS',
};

const intensities = z.object({
  mean: z.number(),
  std: z.number().nonnegative(),
  percentile_00_5: z.number(),
  percentile_99_5: z.number(),
});

const plansSchema = z.object({
  dataset_name: z.string().optional(),
  plans_name: z.string().optional(),
  image_reader_writer: z.string(),
  label_manager: z.string().optional(),
  transpose_forward: z
    .tuple([axis, axis, axis])
    .refine((order) => new Set(order).size === 3, 'expected each of 0, 1 and 2 once'),
  configurations: z.record(z.string(), z.record(z.string(), z.unknown())),
  foreground_intensity_properties_per_channel: z.record(z.string(), z.unknown()).optional(),
  /** The name before. */
  foreground_intensity_properties_by_modality: z.record(z.string(), z.unknown()).optional(),
});

/** Larger patches than any GPU takes: each of their slices is a value of its own in the graph. */
const MAX_LENGTH = 1024;
const MAX_VOXELS = 2 ** 27;
const length = count.max(MAX_LENGTH);

const configurationSchema = z.object({
  patch_size: z
    .tuple([length, length, length])
    .refine((patch) => elements(patch) <= MAX_VOXELS, `expected at most ${MAX_VOXELS} voxels`),
  spacing: z.tuple([positive, positive, positive]),
  preprocessor_name: z.string(),
  normalization_schemes: z.tuple([z.string()], 'expected the scheme of one channel'),
  use_mask_for_norm: z.tuple([z.boolean()], 'expected true or false for one channel'),
  resampling_fn_data: z.string(),
  resampling_fn_data_kwargs: z.record(z.string(), z.unknown()),
  resampling_fn_probabilities: z.string(),
  resampling_fn_probabilities_kwargs: z.record(z.string(), z.unknown()),
});

/** What a model needs of plans.json. Arrays of three are slowest axis first, after `transposeForward`. */
export interface SecondPlans {
  readonly dataset: string | undefined;
  readonly plans: string | undefined;
  readonly configuration: string;
  readonly reader: string;
  readonly orientation: ModelInfo['orientation'];
  readonly transposeForward: ModelInfo['transposeForward'];
  readonly spacing: ModelInfo['spacing'];
  readonly patchSize: ModelInfo['patchSize'];
  readonly normalization: NormalizationScheme;
  readonly resampling: { readonly data: Resampling; readonly logits: Resampling };
  readonly network: NetworkSettings;
}

/**
 * @param builder who builds the network
 * @throws {SegmentationError} PLANS_INVALID: says what was expected and where
 */
export function readSecondPlans(
  bytes: Uint8Array,
  configurationName: string,
  builder: 'plans' | 'port',
  file: string,
): SecondPlans {
  const plans = parseJson(bytes, plansSchema, file);
  const where = `${file}, configuration ${configurationName}`;
  const wrong = (message: string) => new SegmentationError('PLANS_INVALID', `${where}: ${message}`);
  if (plans.label_manager !== undefined && plans.label_manager !== 'LabelManager')
    throw wrong(`label_manager is ${plans.label_manager}; expected LabelManager`);
  const orientation = Object.hasOwn(READERS, plans.image_reader_writer)
    ? READERS[plans.image_reader_writer]
    : undefined;
  if (orientation === undefined)
    throw wrong(
      `image_reader_writer is ${plans.image_reader_writer}; expected one of ` +
        Object.keys(READERS).join(', '),
    );
  const resolved = resolveConfiguration(plans.configurations, configurationName, file);
  const network = readNetworkSettings(resolved, builder, where);
  const settings = checked(resolved, configurationSchema, where);
  if (settings.preprocessor_name !== 'DefaultPreprocessor')
    throw wrong(
      `preprocessor_name is ${settings.preprocessor_name}; expected DefaultPreprocessor, the only ` +
        'one whose work is done here',
    );
  return {
    dataset: plans.dataset_name,
    plans: plans.plans_name,
    configuration: configurationName,
    reader: plans.image_reader_writer,
    orientation,
    transposeForward: plans.transpose_forward,
    spacing: settings.spacing,
    patchSize: settings.patch_size,
    normalization: normalizationOf(settings, plans, where),
    resampling: {
      data: resamplingOf(settings.resampling_fn_data, settings.resampling_fn_data_kwargs, where),
      logits: resamplingOf(
        settings.resampling_fn_probabilities,
        settings.resampling_fn_probabilities_kwargs,
        where,
      ),
    },
    network,
  };
}

function normalizationOf(
  settings: z.infer<typeof configurationSchema>,
  plans: z.infer<typeof plansSchema>,
  where: string,
): NormalizationScheme {
  const [scheme] = settings.normalization_schemes;
  const [useMaskForNorm] = settings.use_mask_for_norm;
  if (scheme === 'ZScoreNormalization') return { scheme: 'zscore', useMaskForNorm };
  if (scheme !== 'CTNormalization')
    throw new SegmentationError(
      'PLANS_INVALID',
      `${where}: the normalization is ${scheme}; expected CTNormalization or ZScoreNormalization, the only ` +
        'two that are done here',
    );
  const all =
    plans.foreground_intensity_properties_per_channel ?? plans.foreground_intensity_properties_by_modality;
  const { std, ...others } = checked(
    all?.['0'],
    intensities,
    `${where}: CTNormalization needs foreground_intensity_properties_per_channel["0"]`,
  );
  // CTNormalization never looks at the mask.
  return { scheme: 'CT', ...others, sd: Math.max(std, LEAST_SD), useMaskForNorm: false };
}

/** nnU-Net divides by no less. */
const LEAST_SD = 1e-8;

const resamplingKwargs = z.strictObject({
  is_seg: z.literal(false, 'expected false: images and logits are no labels').default(false),
  order: z.union([z.literal(0), z.literal(1), z.literal(3)], 'expected 0, 1 or 3').default(3),
  order_z: z.union([z.literal(0), z.literal(1), z.literal(3)], 'expected 0, 1 or 3').default(0),
  /** Missing is false, as in the function's own defaults. */
  force_separate_z: z.boolean().nullable().default(false),
  separate_z_anisotropy_threshold: positive.optional(),
});

/** The functions that have the arithmetic of scikit-image and scipy. */
const KNOWN_FUNCTION = 'resample_data_or_seg_to_shape';

function resamplingOf(name: string, kwargs: Readonly<Record<string, unknown>>, where: string): Resampling {
  if (name !== KNOWN_FUNCTION)
    throw new SegmentationError(
      'PLANS_INVALID',
      `${where}: it resamples by ${name}${/torch/.test(name) ? ', whose arithmetic is another' : ''}; ` +
        `expected ${KNOWN_FUNCTION}, the only function that is done here`,
    );
  const { order, order_z, force_separate_z, separate_z_anisotropy_threshold } = checked(
    kwargs,
    resamplingKwargs,
    `${where}, arguments of ${name}`,
  );
  return {
    order,
    orderZ: order_z,
    forceSeparateZ: force_separate_z,
    ...(separate_z_anisotropy_threshold === undefined ? {} : { anisotropy: separate_z_anisotropy_threshold }),
  };
}
