import { z } from 'zod';
import { revokeToken } from '../http/security/token-file.ts';
import { defineCommand } from './definition/command.ts';
import { argument, requiredText } from './definition/field.ts';
import { tokensFileToWrite } from './options/tokens-file.ts';
import { print } from './terminal/print.ts';

export const tokenRevoke = defineCommand({
  name: 'token revoke',
  help: 'end a token for good; sessions that it began end with their next request',
  runs: 'here',
  options: z.strictObject({ name: argument('<name>', 'as it was given to `token add`', requiredText) }),
  run: async ({ name }, { configure }) => {
    await revokeToken(tokensFileToWrite(configure()), name, new Date());
    print(`"${name}" is revoked; sessions that it began end with their next request`);
  },
});
