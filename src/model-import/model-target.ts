import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../coded-error.ts';
import { SegmentationError } from '../segmentation/segmentation-error.ts';

/**
 * Builds a model folder beside its final place and moves it there when it is complete. Where `build` fails,
 * nothing is left behind, and a model that was there before stays.
 *
 * @throws {SegmentationError} IMPORT_TARGET: something is in that place already, or the place can't be
 * written to
 */
export async function buildInPlace(
  output: string,
  replace: boolean,
  build: (folder: string) => Promise<void>,
): Promise<void> {
  const target = path.resolve(output);
  await checkTarget(target, replace);
  const staging = await makeStaging(target);
  const earlier = `${staging}.earlier`;
  try {
    await build(staging);
    if (existsSync(target)) await rename(target, earlier);
    try {
      await rename(staging, target);
    } catch (error) {
      if (existsSync(earlier)) await rename(earlier, target);
      throw error;
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
    if (existsSync(target)) await rm(earlier, { recursive: true, force: true });
  }
}

async function checkTarget(target: string, replace: boolean): Promise<void> {
  const entries = await readdir(target).catch((cause: unknown): string[] => {
    if (codeOf(cause) === 'ENOENT') return [];
    throw new SegmentationError('IMPORT_TARGET', `${target} cannot hold the model: it is no folder`, {
      cause,
    });
  });
  if (entries.length === 0) return;
  if (!entries.includes('model.json'))
    throw new SegmentationError(
      'IMPORT_TARGET',
      `${target} holds other files (${entries[0]}); choose another folder`,
    );
  if (!replace)
    throw new SegmentationError(
      'IMPORT_TARGET',
      `${target} holds a model already; choose another name, or give --replace`,
    );
}

async function makeStaging(target: string): Promise<string> {
  try {
    await mkdir(path.dirname(target), { recursive: true });
    const staging = `${target}.import-${randomUUID()}`;
    await mkdir(staging);
    return staging;
  } catch (cause) {
    throw new SegmentationError('IMPORT_TARGET', `${path.dirname(target)} cannot be written to`, { cause });
  }
}
