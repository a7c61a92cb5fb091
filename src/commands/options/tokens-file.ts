import { type Config, ConfigError } from '../../config.ts';

/** @throws ConfigError where none is configured */
export function tokensFile({ auth }: Config): string {
  if (auth.tokensFile !== null) return auth.tokensFile;
  throw new ConfigError(
    'auth.tokensFile: name the file that keeps the hashes of the tokens, such as data/tokens.json',
  );
}
