import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { secretsOf } from '../config.ts';
import { openLog } from '../logging/logger.ts';

/** 256 bits. */
const KEY_BYTES = 32;

export function createLogger(config: Config): Logger {
  const { level, identifiers, file } = config.log;
  return openLog({
    level,
    file: file ?? undefined,
    identifierKey: identifiers === 'hashed' ? identifierKey(config) : undefined,
    secrets: secretsOf(config),
  });
}

/**
 * The configured key; else one that is made once and kept beside the database, for its own user; else, where nothing can be
 * kept, one for this process alone.
 */
export function identifierKey({ log, database }: Config): string {
  if (log.key !== null) return log.key;
  const file = path.join(path.dirname(database.folder), 'log-identifiers.key');
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch {
    // There is one already, or the folder cannot be written to.
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return randomBytes(KEY_BYTES).toString('hex');
  }
}
