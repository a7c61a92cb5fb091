import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

const DAY_FILE = /^audit-(\d{4}-\d{2}-\d{2})\.log(\.gz)?$/;
export const COMPRESSED = '.gz';

/** Name of the file that the messages of a day are written to. */
export const fileOfDay = (day: Date): string => `audit-${day.toISOString().slice(0, 10)}.log`;

/** Such as 2026-03-01; undefined: no file of the audit log. */
export const dayOf = (file: string): string | undefined => DAY_FILE.exec(file)?.[1];

/**
 * Files of the log, oldest first, one per day. A day that was being compressed when the process ended has
 * both forms; the one that was written counts.
 */
export async function auditFiles(folder: string): Promise<string[]> {
  const names = new Set((await readdir(folder).catch(() => [])).filter((name) => DAY_FILE.test(name)));
  return [...names]
    .filter((name) => !name.endsWith(COMPRESSED) || !names.has(name.slice(0, -COMPRESSED.length)))
    .sort();
}

/** The lines of a day as they were written, compressed since or not. */
export function readAuditFile(folder: string, file: string): Readable {
  const bytes = createReadStream(path.join(folder, file));
  if (!file.endsWith(COMPRESSED)) return bytes;
  const text = createGunzip();
  bytes.on('error', (error) => text.destroy(error));
  return bytes.pipe(text);
}
