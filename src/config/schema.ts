import { z } from 'zod';
import { rulesSchema } from '../pipeline/selection/rules.ts';

const LOOPBACK_HOSTS = ['127.0.0.1', '::1', 'localhost'] as const;

const archiveSchema = z
  .strictObject({
    kind: z.enum(['embedded', 'dicomweb']),
    url: z.url({ protocol: /^https?$/ }).nullable(),
    user: z.string().nullable(),
    password: z.string().nullable(),
    token: z.string().nullable(),
    timeoutSeconds: z.number().positive(),
    folder: z.string().min(1),
  })
  .refine(({ kind, url }) => kind !== 'dicomweb' || url !== null, {
    path: ['url'],
    error: 'is needed where archive.kind is dicomweb',
  });

const modelName = z.string().min(1).nullable();

const percentage = z.number().positive().nullable();

const segmentationForm = z.enum(['binary', 'fractional', 'labelmap']);

/** Keys whose value may be `file:PATH`, and is never printed. */
export const SECRET_KEYS = ['archive.password', 'archive.token'] as const;

export const configSchema = z.strictObject({
  archive: archiveSchema,
  watch: z.strictObject({
    schedule: z.string().min(1),
    lookBack: z.union([z.int().nonnegative(), z.literal('all')]),
    stableForSeconds: z.number().nonnegative(),
    pageSize: z.int().positive(),
  }),
  selection: z.strictObject({ rules: z.string().min(1).nullable(), siteRules: rulesSchema }),
  models: z.strictObject({ folder: z.string().min(1), CT: modelName, T1W: modelName, T2W: modelName }),
  inference: z.strictObject({
    threads: z.int().nonnegative(),
    executionProviders: z.array(z.enum(['cuda', 'cpu'])).min(1),
  }),
  queue: z.strictObject({ concurrency: z.int().positive(), retries: z.int().nonnegative() }),
  database: z.strictObject({ folder: z.string().min(1) }),
  http: z.strictObject({
    host: z.enum(LOOPBACK_HOSTS, { error: 'must be a loopback address: the node has no authentication yet' }),
    port: z.int().min(0).max(65_535),
  }),
  results: z.strictObject({
    contentQualification: z.enum(['RESEARCH', 'SERVICE', 'PRODUCT']),
    segmentation: z.union([segmentationForm, z.array(segmentationForm).min(1)]),
    keyImages: z.boolean(),
    pdf: z.boolean(),
    counts: z.enum(['reader', 'node']),
    repeatabilityPercent: z.strictObject({ CT: percentage, T1W: percentage, T2W: percentage }),
  }),
  log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) }),
});

export type Config = z.infer<typeof configSchema>;
