import { z } from 'zod';
import { isActive, readTokens } from '../http/security/token-file.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';
import { tokensFile } from './options/tokens-file.ts';
import { print } from './terminal/print.ts';

export const tokenList = defineCommand({
  name: 'token list',
  help: 'the names of the tokens, their roles, and until when they are good',
  runs: 'here',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { configure }) => {
    const tokens = await readTokens(tokensFile(configure()));
    const listed = tokens.map(({ name, role, created, expires, revoked }) => {
      const active = isActive({ expires, revoked }, new Date());
      return { name, role, created, expires, revoked, active };
    });
    if (json) {
      print(JSON.stringify(listed, null, 2));
      return;
    }
    if (listed.length === 0) print('no tokens');
    for (const { name, role, created, expires, revoked, active } of listed) {
      const end = revoked
        ? `revoked ${revoked}`
        : expires
          ? `${active ? 'until' : 'expired'} ${expires}`
          : 'without end';
      print(`${name}  ${role}  made ${created}  ${end}`);
    }
  },
});
