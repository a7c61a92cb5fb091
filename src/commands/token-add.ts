import { z } from 'zod';
import { ACCESS_ROLES } from '../http/security/principal.ts';
import { addToken, TokenFileError } from '../http/security/token-file.ts';
import { defineCommand } from './definition/command.ts';
import { argument, option, optionalText, requiredText } from './definition/field.ts';
import { tokensFileToWrite } from './options/tokens-file.ts';
import { print } from './terminal/print.ts';

/** Prints the token: it can be seen this once. */
export const tokenAdd = defineCommand({
  name: 'token add',
  help: 'make a token and print it; only its hash is kept',
  runs: 'here',
  options: z.strictObject({
    name: argument('<name>', 'of the person or the program that uses it', requiredText),
    role: option(
      '--role <role>',
      'viewer sees, sender sends studies, operator may do everything',
      z.enum(ACCESS_ROLES),
    ),
    expires: option(
      '--expires <when>',
      'days from now, such as 90d, or the last day, such as 2027-06-30',
      optionalText,
    ),
  }),
  run: async ({ name, role, expires }, { configure }) => {
    const now = new Date();
    const end = expires === undefined ? null : parseExpiry(expires, now);
    print(await addToken(tokensFileToWrite(configure()), { name, role, expires: end, now }));
  },
});

/** `90d` or a date such as 2027-06-30, whose end counts. */
function parseExpiry(text: string, now: Date): Date {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const end =
    days === undefined
      ? new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59.999` : Number.NaN)
      : new Date(now.getTime() + Number(days) * 86_400_000);
  if (Number.isNaN(end.getTime()) || end <= now) {
    throw new TokenFileError(
      `--expires ${text}: give days from now, such as 90d, or a date to come, such as 2027-06-30`,
    );
  }
  return end;
}
