import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { secretsOf } from '../config.ts';
import { openLog } from '../logging/logger.ts';

/** 256 bits. */
const KEY_BYTES = 32;

/**
 * @param keepsKey whether a key for identifiers is made and kept where there is none: a command leaves no
 * files behind
 */
export function createLogger(config: Config, { keepsKey = false } = {}): Logger {
  const { level, identifiers, file } = config.log;
  if (keepsKey && identifiers === 'hashed') makeIdentifierKey(config);
  return openLog({
    level,
    file: file ?? undefined,
    identifierKey: identifiers === 'hashed' ? (identifierKey(config) ?? newKey()) : undefined,
    secrets: secretsOf(config),
  });
}

/** The configured key, or the one that was made and kept; undefined: there is none yet. */
export function identifierKey(config: Config): string | undefined {
  if (config.log.key !== null) return config.log.key;
  try {
    return readFileSync(keyFile(config), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The same, made and kept where there is none yet. */
export function keptIdentifierKey(config: Config): string {
  makeIdentifierKey(config);
  return identifierKey(config) ?? newKey();
}

/** Once, for the node's own user. Where nothing can be kept, each process has a key of its own. */
function makeIdentifierKey(config: Config): void {
  if (config.log.key !== null) return;
  try {
    mkdirSync(path.dirname(keyFile(config)), { recursive: true });
    writeFileSync(keyFile(config), newKey(), { mode: 0o600, flag: 'wx' });
  } catch {
    // There is one already, or the folder cannot be written to.
  }
}

const newKey = (): string => randomBytes(KEY_BYTES).toString('hex');

const keyFile = ({ database }: Config): string =>
  path.join(path.dirname(database.folder), 'log-identifiers.key');
