import { type Config, ConfigError, loadConfig } from '../config.ts';
import type { Role } from '../http/security/principal.ts';
import { addToken, isActive, readTokens, revokeToken, TokenFileError } from '../http/security/token-file.ts';
import { print } from './print.ts';

interface TokenOptions {
  config?: string;
}

/** Prints the token: it can be seen this once. */
export async function addBearerToken(
  name: string,
  { role, expires, config }: TokenOptions & { role: Role; expires?: string },
): Promise<void> {
  const now = new Date();
  const end = expires === undefined ? null : parseExpiry(expires, now);
  const file = tokensFile(loadConfig({ file: config }));
  print(await addToken(file, { name, role, expires: end, now }));
}

export async function listBearerTokens({ json, config }: TokenOptions & { json?: true }): Promise<void> {
  const tokens = await readTokens(tokensFile(loadConfig({ file: config })));
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
}

export async function revokeBearerToken(name: string, { config }: TokenOptions): Promise<void> {
  await revokeToken(tokensFile(loadConfig({ file: config })), name, new Date());
  print(`"${name}" is revoked; sessions that it began end with their next request`);
}

function tokensFile({ auth }: Config): string {
  if (auth.tokensFile !== null) return auth.tokensFile;
  throw new ConfigError(
    'auth.tokensFile: name the file that keeps the hashes of the tokens, such as data/tokens.json',
  );
}

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
