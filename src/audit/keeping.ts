import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { auditFiles, COMPRESSED, dayOf } from './days.ts';

const DAY_MS = 86_400_000;
/** Log shippers that follow a file get all of it before its name changes. */
const DAYS_BEFORE_COMPRESSION = 2;

export interface Keeping {
  readonly folder: string;
  /** Days after which the site's own rules let a day go. null: never. */
  readonly keepDays: number | null;
}

/** Bytes of all files of the folder. */
export async function folderBytes(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => {
    // Another process may just have compressed it.
    return (await stat(path.join(folder, name)).catch(() => undefined))?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/**
 * Compresses past days, and removes those that the site's rules let go. The newest file is never touched:
 * lines may still be added to it. What several processes do at the same time comes to the same.
 * @returns names of the files that were removed
 */
export async function tidy({ folder, keepDays }: Keeping, now: Date): Promise<string[]> {
  const files = await auditFiles(folder);
  const newest = files.at(-1);
  const ageDays = (file: string) => (now.getTime() - Date.parse(dayOf(file) ?? '')) / DAY_MS;
  await removeLeftovers(folder, now);
  const removed: string[] = [];
  for (const file of files) {
    if (file === newest) continue;
    if (keepDays !== null && ageDays(file) > keepDays + 1) {
      await rm(path.join(folder, file), { force: true });
      removed.push(file);
    } else if (!file.endsWith(COMPRESSED) && ageDays(file) >= DAYS_BEFORE_COMPRESSION) {
      await compress(path.join(folder, file));
    }
  }
  return removed;
}

/** Of processes that were killed while they compressed. */
async function removeLeftovers(folder: string, now: Date): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^audit-.*\.log\.gz\.\d+$/.test(name)) continue;
    const file = path.join(folder, name);
    const age = now.getTime() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? 0);
    if (age > DAY_MS) await rm(file, { force: true });
  }
}

/** The file goes when its compressed form has been read back, and is on the disk. */
async function compress(file: string): Promise<void> {
  const beside = `${file}${COMPRESSED}.${process.pid}`;
  try {
    await pipeline(createReadStream(file), createGzip(), createWriteStream(beside, { mode: 0o600 }));
    const [written, read] = await Promise.all([
      digest(createReadStream(file)),
      digest(createReadStream(beside).pipe(createGunzip())),
    ]);
    if (written !== read) throw new Error(`${file} is not the same when it is compressed`);
    await using descriptor = await open(beside, 'r+');
    await descriptor.sync();
    await rename(beside, file + COMPRESSED);
    await rm(file, { force: true });
  } finally {
    await rm(beside, { force: true });
  }
}

async function digest(content: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
