import { z } from 'zod';
import type { Shape3 } from '../../segmentation/array3.ts';
import type { ModelInfo, NormalizationScheme } from '../../segmentation/model/model-info.ts';
import type { NetworkPlan } from '../../segmentation/network-weights.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { entryOf, toPlain } from '../pickle/to-plain.ts';
import type { TrainerInfo } from './trainer-info.ts';

/**
 * What a model needs of nnU-Net's plans. Arrays of three are slowest axis first, after `transposeForward`.
 */
export interface ModelPlan {
  readonly network: NetworkPlan;
  /** On [z, y, x]. */
  readonly transposeForward: ModelInfo['transposeForward'];
  /** current_spacing, mm. */
  readonly spacing: Shape3;
  readonly normalization: NormalizationScheme;
  /** What the data set calls its modality: CT, MRI, T1, ... */
  readonly modality: string;
}

/** Poolings by 2 that turn any patch into a single voxel. */
const MAX_POOLINGS = 12;

const count = z.int().positive();
const positive = z.number().positive();
const axis = z.union([z.literal(0), z.literal(1), z.literal(2)]);
const threeCounts = z.tuple(
  [count, count, count],
  'expected three whole numbers: only 3-D networks can be used',
);
const axes = z
  .tuple([axis, axis, axis])
  .refine((order) => new Set(order).size === 3, 'expected each of 0, 1 and 2 once');
const poolings = z.int().nonnegative().max(MAX_POOLINGS);

/** Only the first channel counts: there is one. */
const perChannel = <T extends z.ZodType>(schema: T) => z.object({ 0: schema });

const intensities = z.object({
  mean: z.number(),
  sd: positive,
  percentile_00_5: z.number(),
  percentile_99_5: z.number(),
});

const plansSchema = z.object({
  num_modalities: z.literal(1, 'expected 1: networks with several input channels cannot be used'),
  // Without the background.
  num_classes: z.literal(1, 'expected 1: only networks that find one structure can be used'),
  modalities: perChannel(z.string()),
  normalization_schemes: perChannel(
    z.enum(['CT', 'nonCT'], 'expected CT or nonCT, the only two that are done here'),
  ),
  use_mask_for_norm: perChannel(z.boolean()),
  // Older plans lack these two; nnU-Net then takes what is given here.
  transpose_forward: axes.nullish().transform((order): ModelInfo['transposeForward'] => order ?? [0, 1, 2]),
  preprocessor_name: z
    .literal('GenericPreprocessor', 'expected GenericPreprocessor, the only one whose work is done here')
    .nullish(),
  intensities: intensities.optional(),
  stage: z.object({
    patch_size: threeCounts,
    current_spacing: z.tuple([positive, positive, positive]),
    pool_op_kernel_sizes: z.array(threeCounts).min(1).max(MAX_POOLINGS).nullish(),
    num_pool_per_axis: z.tuple([poolings, poolings, poolings]),
  }),
});

const NEEDED = [
  'num_modalities',
  'num_classes',
  'modalities',
  'normalization_schemes',
  'use_mask_for_norm',
  'transpose_forward',
  'preprocessor_name',
] as const;

/** @throws {SegmentationError} PLANS_INVALID: says what was expected and where */
export function readPlans({ plans, stage }: TrainerInfo, file: string): ModelPlan {
  const ofStage = entryOf(entryOf(plans, 'plans_per_stage'), stage);
  const ofData = entryOf(entryOf(plans, 'dataset_properties'), 'intensityproperties');
  const parsed = plansSchema.safeParse({
    ...Object.fromEntries(NEEDED.map((key) => [key, toPlain(entryOf(plans, key))])),
    intensities: picked(entryOf(ofData, 0), Object.keys(intensities.shape)),
    stage: picked(ofStage, Object.keys(plansSchema.shape.stage.shape)),
  });
  if (!parsed.success)
    throw new SegmentationError(
      'PLANS_INVALID',
      `${file}: plans, stage ${stage}:\n${z.prettifyError(parsed.error)}`,
    );
  const { data } = parsed;
  return {
    network: {
      patchSize: data.stage.patch_size,
      poolOpKernelSizes: data.stage.pool_op_kernel_sizes ?? poolingsOf(data.stage.num_pool_per_axis),
      inputChannels: data.num_modalities,
      classes: data.num_classes + 1,
    },
    transposeForward: data.transpose_forward,
    spacing: data.stage.current_spacing,
    normalization: normalizationOf(data, file),
    modality: data.modalities[0],
  };
}

/** Some entries of a dict: per-case statistics lie beside them, and may be many. */
function picked(
  value: Parameters<typeof entryOf>[0],
  keys: readonly string[],
): Record<string, unknown> | undefined {
  if (!(value instanceof Map)) return undefined;
  return Object.fromEntries(
    keys.filter((key) => value.has(key)).map((key) => [key, toPlain(entryOf(value, key))]),
  );
}

function normalizationOf(data: z.infer<typeof plansSchema>, file: string): NormalizationScheme {
  const useMaskForNorm = data.use_mask_for_norm[0];
  if (data.normalization_schemes[0] === 'nonCT') return { scheme: 'zscore', useMaskForNorm };
  if (!data.intensities)
    throw new SegmentationError(
      'PLANS_INVALID',
      `${file}: plans: CT normalization needs dataset_properties.intensityproperties, which is not there`,
    );
  return { scheme: 'CT', ...data.intensities, useMaskForNorm };
}

/** nnU-Net's own rule for plans without kernels: axes that pool less often start later. */
function poolingsOf(perAxis: Shape3): Shape3[] {
  const levels = Math.max(...perAxis);
  return Array.from({ length: levels }, (_, level) => {
    const along = (pools: number) => (levels - pools <= level ? 2 : 1);
    return [along(perAxis[0]), along(perAxis[1]), along(perAxis[2])];
  });
}
