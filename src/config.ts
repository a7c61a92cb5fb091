import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isMap, isScalar, parse, parseDocument, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { CodedError, messageOf } from './coded-error.ts';
import { type Config, configSchema, PATH_KEYS, SECRET_KEYS } from './config/schema.ts';

const DEFAULTS_FILE = path.resolve(import.meta.dirname, '../config/default.yaml');
const ENVIRONMENT_PREFIX = 'PANSEGNET_';
const MASK = '********';

export type { Config } from './config/schema.ts';

/** The configuration is wrong. The message names the file or variable, the key, and what it should be. */
export class ConfigError extends CodedError<'CONFIG'> {
  constructor(message: string, options?: ErrorOptions) {
    super('CONFIG', message, options);
  }
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
  const variables = fromEnvironment(environment, defaults);
  const merged = [site, ...variables.map(({ tree }) => tree), overrides].reduce(merge, defaults);
  const result = configSchema.safeParse(withSecretsRead(withPathsFrom(merged['dataFolder'], merged)));
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const variable = variables.find(({ leaf }) => isSaidBy(leaf, issue.path));
    return describeIssue(issue) + (variable ? ` (from the environment variable ${variable.name})` : '');
  });
  throw new ConfigError(`${file ?? 'the configuration'} is wrong:\n${problems.join('\n')}`);
}

/** The configuration as it would be printed: secrets masked. */
export function masked(config: Config): Tree {
  const withoutSecrets = SECRET_KEYS.reduce<Tree>(
    (whole, key) => (valueAt(whole, key) == null ? whole : merge(whole, treeAt(key, MASK))),
    config,
  );
  const address = URL.parse(config.archive.url ?? '');
  if (!address?.password) return withoutSecrets;
  address.password = MASK;
  return merge(withoutSecrets, treeAt('archive.url', address.href));
}

/** The values of the secret keys, and the passwords in addresses. */
export function secretsOf(config: Config): string[] {
  const secrets = SECRET_KEYS.map((key) => valueAt(config, key)).filter((value) => typeof value === 'string');
  const passwords = [config.archive.url, ...secrets].flatMap(
    (value) => URL.parse(value ?? '')?.password ?? [],
  );
  return [...secrets, ...passwords.map(decodeURIComponent)].filter((secret) => secret !== '');
}

/**
 * JSON Schema for editors: every key optional, as a site's file names only what differs, and described by the
 * comment that it has in the defaults.
 */
export function configJsonSchema(): unknown {
  const schema: unknown = JSON.parse(
    JSON.stringify(z.toJSONSchema(configSchema, { io: 'input' }), (key, value: unknown) =>
      key === 'required' ? undefined : value,
    ),
  );
  const { contents } = parseDocument(readFileSync(DEFAULTS_FILE, 'utf8'));
  return isTree(schema) && isMap(contents) ? described(schema, contents) : schema;
}

const lastParagraph = (comment: string | null | undefined): string | undefined =>
  comment
    ?.split(/\n\s*\n/)
    .at(-1)
    ?.split('\n')
    .map((line) => line.trim())
    .join(' ');

/** @param above the comment of the mapping itself, for keys that have none */
function described(schema: Tree, defaults: YAMLMap, above?: string): Tree {
  const { properties } = schema;
  if (!isTree(properties)) return schema;
  const withWords: Record<string, unknown> = { ...properties };
  let words = above;
  for (const [i, { key, value }] of defaults.items.entries()) {
    const name = isScalar(key) ? String(key.value) : '';
    const own = withWords[name];
    if (!isScalar(key) || !isTree(own)) continue;
    // The parser gives a mapping the comment that stands above its first key; keys that follow share one.
    words = lastParagraph((i === 0 ? defaults.commentBefore : undefined) ?? key.commentBefore) ?? words;
    withWords[name] = {
      ...(isMap(value) ? described(own, value, words) : own),
      ...(words ? { description: words } : {}),
    };
  }
  return { ...schema, properties: withWords };
}

type Tree = { readonly [key: string]: unknown };
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readTree(file: string): Tree {
  let parsed: unknown;
  try {
    parsed = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (cause) {
    throw new ConfigError(`configuration file ${file} cannot be read: ${messageOf(cause)}`, { cause });
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

/** What one environment variable says. */
interface Variable {
  readonly name: string;
  readonly leaf: readonly string[];
  readonly tree: Tree;
}

const isSaidBy = (leaf: readonly string[], place: readonly PropertyKey[]): boolean =>
  place.length >= leaf.length && leaf.every((key, i) => key === place[i]);

/**
 * Kubernetes gives every container such variables for each service; one that is called `pansegnet` or
 * `pansegnet-http` has names like ours.
 */
const OF_KUBERNETES = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const ADDRESS_OF_KUBERNETES = /^(tcp|udp|sctp):\/\//;

/**
 * PANSEGNET_WATCH_LOOKBACK=all -> { watch: { lookBack: 'all' } }, by the keys of the defaults. Values are
 * YAML scalars.
 */
function fromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  defaults: Tree,
): Variable[] {
  const paths = new Map(leafPaths(defaults).map((leaf) => [leaf.join('_').toUpperCase(), leaf]));
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith(ENVIRONMENT_PREFIX) && value !== undefined)
    .filter(([name, value]) => !OF_KUBERNETES.test(name) && !ADDRESS_OF_KUBERNETES.test(value ?? ''))
    .map(([name, value]) => {
      const leaf = paths.get(name.slice(ENVIRONMENT_PREFIX.length));
      if (!leaf) throw new ConfigError(`environment variable ${name}: there is no such configuration key`);
      return { name, leaf, tree: treeAt(leaf.join('.'), parse(value ?? '')) };
    });
}

function leafPaths(tree: Tree, above: readonly string[] = []): string[][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? leafPaths(value, [...above, key]) : [[...above, key]],
  );
}

/** Relative paths start at the data folder; without one, at the folder that the program was called in. */
function withPathsFrom(folder: unknown, tree: Tree): Tree {
  if (typeof folder !== 'string') return tree;
  const inPlaces = PATH_KEYS.reduce((whole, key) => {
    const value = valueAt(whole, key);
    return typeof value === 'string' && value !== ''
      ? merge(whole, treeAt(key, path.resolve(folder, value)))
      : whole;
  }, tree);
  return SECRET_KEYS.reduce((whole, key) => {
    const file = secretFile(valueAt(whole, key));
    return file === undefined ? whole : merge(whole, treeAt(key, SECRET_FILE + path.resolve(folder, file)));
  }, inPlaces);
}

const SECRET_FILE = 'file:';
const secretFile = (value: unknown): string | undefined =>
  typeof value === 'string' && value.startsWith(SECRET_FILE) ? value.slice(SECRET_FILE.length) : undefined;

function withSecretsRead(tree: Tree): Tree {
  return SECRET_KEYS.reduce((whole, key) => {
    const file = secretFile(valueAt(whole, key));
    return file === undefined ? whole : merge(whole, treeAt(key, readSecret(key, file)));
  }, tree);
}

const valueAt = (tree: Tree, key: string): unknown =>
  key.split('.').reduce<unknown>((below, name) => (isTree(below) ? below[name] : undefined), tree);

function treeAt(key: string, value: unknown): Tree {
  const [first = '', ...rest] = key.split('.');
  return { [first]: rest.length === 0 ? value : treeAt(rest.join('.'), value) };
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
