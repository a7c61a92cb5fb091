import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const accessSchema = z.strictObject({
  /**
   * Where the node answers programs of its machine, without TLS; with http.basePath, without a slash at its
   * end.
   */
  url: z.url(),
  token: z.string().min(1),
});

/** How commands reach the node that runs on their machine. */
export type LocalAccess = z.infer<typeof accessSchema>;

/** 256 bits, new with each start of the node. */
export const newOwnToken = (): string => randomBytes(32).toString('base64url');

/**
 * Writes where the node is and a token that it takes from loopback alone, readable for the node's own user
 * only: whoever may read the database's folder may do everything to the node anyway.
 */
export async function publishLocalAccess(file: string, access: LocalAccess): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, JSON.stringify(access), { mode: 0o600 });
  await rename(beside, file);
}

/** When the node stops. */
export async function withdrawLocalAccess(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** undefined: no node has said where it is, or the file is not for us to read */
export async function readLocalAccess(file: string): Promise<LocalAccess | undefined> {
  try {
    return accessSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
