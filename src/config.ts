import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { rulesSchema } from './pipeline/selection/rules.ts';

const DEFAULTS_FILE = path.resolve(import.meta.dirname, '../config/default.yaml');
const ENVIRONMENT_PREFIX = 'PANSEGNET_';
const SECRET_KEYS = ['archive.password', 'archive.token'] as const;
const MASK = '********';

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

const configSchema = z.strictObject({
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

/** The configuration is wrong. The message names the file or variable, the key, and what it should be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG';
}

export interface ConfigSources {
  /** The site's YAML file. */
  readonly file?: string | undefined;
  /** Usually the process's own environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Values that a command sets itself; they win over everything. */
  readonly overrides?: Tree;
}

/**
 * Resolves the configuration: defaults, then the site's file, then PANSEGNET_* variables, then overrides.
 * @throws ConfigError listing every wrong or unknown key with its path
 */
export function loadConfig({ file, environment = process.env, overrides = {} }: ConfigSources = {}): Config {
  const defaults = readTree(DEFAULTS_FILE);
  const site = file === undefined ? {} : readTree(file);
  const merged = [site, fromEnvironment(environment, defaults), overrides].reduce(merge, defaults);
  const result = configSchema.safeParse(withSecretsRead(merged));
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => describeIssue(issue));
  throw new ConfigError(`${file ?? 'the configuration'} is wrong:\n${problems.join('\n')}`);
}

/** The configuration as it would be printed: secrets masked. */
export function masked(config: Config): Config {
  const { password, token } = config.archive;
  const hide = (secret: string | null): string | null => (secret === null ? null : MASK);
  return { ...config, archive: { ...config.archive, password: hide(password), token: hide(token) } };
}

/** JSON Schema for editors: every key optional, as a site's file names only what differs. */
export function configJsonSchema(): unknown {
  return JSON.parse(
    JSON.stringify(z.toJSONSchema(configSchema, { io: 'input' }), (key, value: unknown) =>
      key === 'required' ? undefined : value,
    ),
  );
}

type Tree = { readonly [key: string]: unknown };
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readTree(file: string): Tree {
  let parsed: unknown;
  try {
    parsed = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`configuration file ${file} cannot be read: ${reason}`, { cause });
  }
  if (!isTree(parsed)) throw new ConfigError(`configuration file ${file} does not hold keys and values`);
  return parsed;
}

function merge(base: Tree, over: Tree): Tree {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

/** PANSEGNET_WATCH_LOOKBACK=all -> { watch: { lookBack: 'all' } }, by the keys of the defaults. Values are YAML scalars. */
function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, defaults: Tree): Tree {
  const paths = new Map(leafPaths(defaults).map((leaf) => [leaf.join('_').toUpperCase(), leaf]));
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith(ENVIRONMENT_PREFIX) && value !== undefined)
    .map(([name, value]) => {
      const leaf = paths.get(name.slice(ENVIRONMENT_PREFIX.length));
      if (!leaf) throw new ConfigError(`environment variable ${name}: there is no such configuration key`);
      return leaf.reduceRight<unknown>((below, key) => ({ [key]: below }), parse(value ?? ''));
    })
    .filter(isTree)
    .reduce(merge, {});
}

function leafPaths(tree: Tree, above: readonly string[] = []): string[][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? leafPaths(value, [...above, key]) : [[...above, key]],
  );
}

function withSecretsRead(tree: Tree): Tree {
  return SECRET_KEYS.reduce((whole, key) => {
    const [section = '', name = ''] = key.split('.');
    const below = whole[section];
    const value = isTree(below) ? below[name] : undefined;
    if (typeof value !== 'string' || !value.startsWith('file:')) return whole;
    return merge(whole, { [section]: { [name]: readSecret(key, value.slice('file:'.length)) } });
  }, tree);
}

function readSecret(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`${key}: its file ${file} cannot be read`, { cause });
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `  ${place}: ${issue.message}`;
  return issue.keys.map((key) => `  ${[place, key].filter(Boolean).join('.')}: unknown key`).join('\n');
}
