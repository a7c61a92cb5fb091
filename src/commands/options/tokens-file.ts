import { refuseForeignData } from '../../compose/data-owner.ts';
import { type Config, ConfigError } from '../../config.ts';

/** @throws ConfigError where none is configured */
export function tokensFile({ auth }: Config): string {
  if (auth.tokensFile !== null) return auth.tokensFile;
  throw new ConfigError(
    'auth.tokensFile: name the file that keeps the hashes of the tokens, such as data/tokens.json',
  );
}

/**
 * The same, to be written anew.
 * @throws ConfigError where none is configured; DataOwnerError
 */
export function tokensFileToWrite(config: Config): string {
  const file = tokensFile(config);
  refuseForeignData(new Map([['auth.tokensFile', file]]));
  return file;
}
