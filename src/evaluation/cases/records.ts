import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const record = z.object({ fingerprint: z.string(), value: z.unknown() });

/**
 * What was done before, in a folder, one file for each piece of work: it counts as long as its fingerprint
 * is the same. A file appears whole or not at all, so a kill loses only what was being done.
 */
export class Records {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined where it was not done, or of other files or settings. */
  async find<T>(name: string, fingerprint: string, form: z.ZodType<T>): Promise<T | undefined> {
    const text = await readFile(this.#fileOf(name), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const found = z.safeParse(record, parsed(text));
    if (!found.success || found.data.fingerprint !== fingerprint) return undefined;
    return z.safeParse(form, found.data.value).data;
  }

  async keep(name: string, fingerprint: string, value: unknown): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const file = this.#fileOf(name);
    await writeFile(`${file}.part`, `${JSON.stringify({ fingerprint, value })}\n`);
    await rename(`${file}.part`, file);
  }

  #fileOf(name: string): string {
    return path.join(this.#folder, `${name}.json`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Tells files by their sizes and times of change, as `make` does: hashing would read every image twice. */
export async function fingerprintOf(files: readonly string[], settings: unknown): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of files) {
    const { size, mtimeMs } = await stat(file);
    hash.update(JSON.stringify([file, size, mtimeMs]));
  }
  return hash.digest('hex');
}
