import { z } from 'zod';
import { identifierKey } from '../compose/logger.ts';
import { ConfigError } from '../config.ts';
import { hashedIdentifier } from '../logging/identifiers.ts';
import { defineCommand } from './definition/command.ts';
import { argument, requiredText } from './definition/field.ts';
import { print } from './terminal/print.ts';

/** What to look for in the log when a study is asked about. */
export const logIdentifier = defineCommand({
  name: 'log-identifier',
  help: 'say what stands in the log for a UID, where log.identifiers is hashed',
  runs: 'here',
  options: z.strictObject({ uid: argument('<uid>', 'of a study, a series or an instance', requiredText) }),
  run: ({ uid }, { configure }) => {
    const config = configure();
    const key = identifierKey(config);
    if (config.log.identifiers === 'plain') print(uid);
    else if (key !== undefined) print(hashedIdentifier(uid, key));
    else {
      throw new ConfigError(
        'log.key: there is no key yet; a node makes one when it first starts, or set one',
      );
    }
  },
});
