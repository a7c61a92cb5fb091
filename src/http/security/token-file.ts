import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { CodedError, codeOf, messageOf } from '../../coded-error.ts';
import { HttpError } from '../http-error.ts';
import { ACCESS_ROLES, type Role } from './principal.ts';

/** Marks what a token is for people and for programs that look for secrets in the wrong places. */
const TOKEN_PREFIX = 'pansegnet_';
/** 256 bits. */
const TOKEN_BYTES = 32;

const entrySchema = z.strictObject({
  name: z.string().min(1),
  role: z.enum(ACCESS_ROLES),
  /**
   * SHA-256, in hexadecimal digits. A slow hash (scrypt, Argon2) guards passwords because those can be
   * guessed; 256 random bits cannot, and every request would pay for it.
   */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.iso.datetime(),
  expires: z.iso.datetime().nullable(),
  revoked: z.iso.datetime().nullable(),
});
const fileSchema = z.strictObject({ tokens: z.array(entrySchema) });

export type TokenEntry = z.infer<typeof entrySchema>;

/** A file of token hashes that cannot be used, or a change of it that is refused. */
export class TokenFileError extends CodedError<'TOKENS'> {
  constructor(message: string, options?: ErrorOptions) {
    super('TOKENS', message, options);
  }
}

export const isActive = ({ revoked, expires }: Pick<TokenEntry, 'revoked' | 'expires'>, now: Date): boolean =>
  revoked === null && (expires === null || new Date(expires) > now);

/** @throws TokenFileError; a file that is not there holds no tokens */
export async function readTokens(file: string): Promise<TokenEntry[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return [];
    throw new TokenFileError(`the file of tokens ${file} cannot be read`, { cause });
  }
  try {
    return fileSchema.parse(JSON.parse(text)).tokens;
  } catch (cause) {
    throw new TokenFileError(`the file of tokens ${file} is damaged; put a copy back or make tokens anew`, {
      cause,
    });
  }
}

/**
 * Makes a token.
 * @returns the token; it is nowhere else
 * @throws TokenFileError where an active token has this name
 */
export async function addToken(
  file: string,
  { name, role, expires, now }: { name: string; role: Role; expires: Date | null; now: Date },
): Promise<string> {
  const tokens = await readTokens(file);
  if (tokens.some((entry) => entry.name === name && isActive(entry, now))) {
    throw new TokenFileError(`there is a token "${name}" already; revoke it first, or take another name`);
  }
  const token = TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
  const entry: TokenEntry = {
    name,
    role,
    sha256: digest(token).toString('hex'),
    created: now.toISOString(),
    expires: expires?.toISOString() ?? null,
    revoked: null,
  };
  await writeTokens(file, [...tokens, entry]);
  return token;
}

/** @throws TokenFileError where no active token has this name */
export async function revokeToken(file: string, name: string, now: Date): Promise<void> {
  const tokens = await readTokens(file);
  if (!tokens.some((entry) => entry.name === name && isActive(entry, now))) {
    throw new TokenFileError(`there is no active token "${name}"; \`token list\` shows them`);
  }
  const revoked = now.toISOString();
  await writeTokens(
    file,
    tokens.map((entry) => (entry.name === name && isActive(entry, now) ? { ...entry, revoked } : entry)),
  );
}

async function writeTokens(file: string, tokens: readonly TokenEntry[]): Promise<void> {
  const beside = `${file}.${process.pid}`;
  try {
    await writeFile(beside, `${JSON.stringify({ tokens }, null, 2)}\n`, { mode: 0o600 });
    await rename(beside, file);
  } catch (cause) {
    throw new TokenFileError(`the file of tokens ${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The tokens of a file that may change while the node runs: an added or revoked token counts from the next
 * request on.
 */
export class TokenFile {
  readonly #file: string;
  readonly #now: () => Date;
  #version = '';
  #tokens: readonly TokenEntry[] = [];

  constructor(file: string, now: () => Date) {
    this.#file = file;
    this.#now = now;
  }

  /** @throws HttpError UNAVAILABLE where the file cannot be used: then nobody is let in */
  async find(token: string): Promise<TokenEntry | undefined> {
    await this.#refresh();
    const presented = digest(token);
    const now = this.#now();
    // Every entry is compared, each in constant time: how long it takes says nothing about the stored hashes.
    return this.#tokens.filter(
      (entry) => timingSafeEqual(Buffer.from(entry.sha256, 'hex'), presented) && isActive(entry, now),
    )[0];
  }

  /** Whether a token that was found before is one still. */
  async holds(sha256: string): Promise<boolean> {
    await this.#refresh();
    return this.#tokens.some((entry) => entry.sha256 === sha256 && isActive(entry, this.#now()));
  }

  async #refresh(): Promise<void> {
    const found = await stat(this.#file, { bigint: true }).catch(() => undefined);
    const version = found ? `${found.ino}-${found.mtimeNs}-${found.size}` : 'none';
    if (version === this.#version) return;
    try {
      this.#tokens = await readTokens(this.#file);
      this.#version = version;
    } catch (cause) {
      this.#tokens = [];
      throw new HttpError('UNAVAILABLE', 'tokens cannot be checked now; the log says why', { cause });
    }
  }
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();
