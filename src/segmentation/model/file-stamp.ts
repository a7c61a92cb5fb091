import { stat } from 'node:fs/promises';
import { codeOf } from '../../coded-error.ts';

/** A network's file, and what it was when its sha256 was checked. */
export interface NetworkFile {
  readonly file: string;
  readonly stamp: string;
}

/**
 * Tells a file from what may stand in its place later: it changes with the content and whenever the file is
 * replaced. `absent` where there is none.
 */
export async function stampOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (!found) return 'absent';
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

export function isNotFound(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
}
