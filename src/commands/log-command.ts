import { identifierKey } from '../compose/logger.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { hashedIdentifier } from '../logging/identifiers.ts';
import { print } from './print.ts';

/** What to look for in the log when a study is asked about. */
export function showLogIdentifier(uid: string, { config: file }: { config?: string }): void {
  const config = loadConfig({ file });
  const key = identifierKey(config);
  if (config.log.identifiers === 'plain') print(uid);
  else if (key !== undefined) print(hashedIdentifier(uid, key));
  else
    throw new ConfigError('log.key: there is no key yet; a node makes one when it first starts, or set one');
}
