import { readFileSync } from 'node:fs';
import { ConfigError } from '../config.ts';

/**
 * The text of a certificate's or key's file.
 * @param key of the configuration, for the message
 * @throws ConfigError where it cannot be read, or is in another form (DER, PKCS #12)
 */
export function readPem(key: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${key}: the file ${file} cannot be read`, { cause });
  }
  if (!text.includes('-----BEGIN ')) throw new ConfigError(`${key}: the file ${file} is not in PEM form`);
  return text;
}

/** As readPem; undefined where the key names no file. */
export const readPemIfNamed = (key: string, file: string | null): string | undefined =>
  file === null ? undefined : readPem(key, file);
