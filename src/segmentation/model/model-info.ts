import { z } from 'zod';
import { DYNAMIC_KINDS } from '../architecture/dynamic-architecture.ts';
import { isOrientation } from './orientation.ts';

const positive = z.number().positive();
const count = z.number().int().positive();
const axis = z.union([z.literal(0), z.literal(1), z.literal(2)]);

const normalization = z.discriminatedUnion('scheme', [
  z.strictObject({
    scheme: z.literal('CT'),
    mean: z.number(),
    sd: positive,
    percentile_00_5: z.number(),
    percentile_99_5: z.number(),
    useMaskForNorm: z.boolean().default(false),
  }),
  z.strictObject({ scheme: z.literal('zscore'), useMaskForNorm: z.boolean() }),
]);

/** A plain file name of a fold's network, so that model.json can't point outside its folder. */
const NETWORK_FILE = /^fold_\d+\.onnx$/;

const order = z.union([z.literal(0), z.literal(1), z.literal(3)]);

/** A `Resampling`. */
const resampling = z.strictObject({
  order,
  orderZ: order,
  forceSeparateZ: z.boolean().nullable(),
  anisotropy: positive.optional(),
});

/**
 * What a model of nnU-Net v2 has beside: its arithmetic is that of v2, with these settings. A model without
 * has that of v1, and two classes.
 */
const nnunetV2 = z
  .strictObject({
    /** Names of the classes, background first. */
    labels: z.array(z.string()).min(2),
    /** The class that is the pancreas. The others count against it. */
    pancreas: count,
    resampling: z.strictObject({ data: resampling, logits: resampling }),
  })
  .refine(({ labels, pancreas }) => pancreas < labels.length, 'pancreas must be one of the labels');

/**
 * The fields of model.json, formats 1 and 2. Arrays of three belong to the network's axes, slowest first,
 * after `transposeForward`.
 */
export const modelFields = z.strictObject({
  format: z.union([z.literal(1), z.literal(2)]),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, 'letters, digits, dots, dashes and underscores only'),
  title: z.string().min(1),
  version: z.string().min(1),
  modality: z.enum(['CT', 'T1W', 'T2W']),
  /** Shown wherever the model's results are. */
  notice: z.string().min(1).optional(),
  /** Where the weights come from: facts for people. */
  source: z.record(z.string(), z.json()),
  architecture: z.enum(['PanSegNet', 'Generic_UNet', ...DYNAMIC_KINDS]),
  /**
   * Patient direction in which x, y and z ascend before `transposeForward`; 'as-stored': however the volume
   * has them.
   */
  orientation: z.string().refine(isOrientation, 'three letters such as LPS, or as-stored'),
  /** nnU-Net's transpose_forward, on [z, y, x]. */
  transposeForward: z
    .tuple([axis, axis, axis])
    .refine((axes) => new Set(axes).size === 3, 'each of 0, 1 and 2 once'),
  /** mm. */
  spacing: z.tuple([positive, positive, positive]),
  patchSize: z.tuple([count, count, count]),
  normalization,
  inference: z.strictObject({
    stepSize: positive.max(1),
    mirrorAxes: z.array(axis).refine((axes) => new Set(axes).size === axes.length, 'no axis twice'),
  }),
  postprocessing: z.strictObject({ keepLargestComponent: z.boolean() }),
  /** Format 2 only, and always there. */
  nnunetV2: nnunetV2.optional(),
  /** File name to sha256 (hex). One network per fold. */
  files: z
    .record(
      z.string().regex(NETWORK_FILE, 'fold_<number>.onnx'),
      z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 in hex'),
    )
    .refine((files) => Object.keys(files).length > 0, 'at least one network'),
  /** What each network answered when it was imported; `models verify` asks again. */
  selfTest: z
    .strictObject({
      /** Of the random input. */
      seed: z.number().int().nonnegative(),
      /** File name to logits at evenly spaced places. */
      logits: z.record(z.string().regex(NETWORK_FILE), z.array(z.number()).min(1)),
    })
    .optional(),
});

export const modelInfoSchema = modelFields.refine(
  ({ format, nnunetV2: settings }) => (format === 2) === (settings !== undefined),
  'nnunetV2 belongs to format 2, and only to it',
);

export type ModelInfo = z.infer<typeof modelInfoSchema>;
export type NormalizationScheme = ModelInfo['normalization'];

/** How many values the network gives for a voxel, the background's included. */
export const classesOf = ({ nnunetV2: settings }: ModelInfo): number => settings?.labels.length ?? 2;
