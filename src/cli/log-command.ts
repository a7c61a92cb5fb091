import { identifierKey } from '../compose/logger.ts';
import { loadConfig } from '../config.ts';
import { hashedIdentifier } from '../logging/identifiers.ts';
import { print } from './print.ts';

/** What to look for in the log when a study is asked about. */
export function showLogIdentifier(uid: string, { config: file }: { config?: string }): void {
  const config = loadConfig({ file });
  print(config.log.identifiers === 'plain' ? uid : hashedIdentifier(uid, identifierKey(config)));
}
