import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const TOOLS = path.resolve(import.meta.dirname, '../../tools/readers');
const PACKAGE = path.join(TOOLS, 'cornerstone');
const PROGRAM = path.join(TOOLS, 'cornerstone_report.mjs');

/**
 * The folder with cornerstone's adapter, installed from the npm registry once for each lock file: a whole
 * viewer of 95 MB, so outside of the checkout. Or why there is none.
 */
export async function findCornerstone(): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const lock = await readFile(path.join(PACKAGE, 'package-lock.json'));
  const version = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const cache = path.join(tmpdir(), 'pansegnet-readers');
  const folder = path.join(cache, `cornerstone-${version}`);
  if (existsSync(folder)) return { folder };
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(path.join(cache, 'installing-'));
  try {
    for (const name of ['package.json', 'package-lock.json']) {
      await copyFile(path.join(PACKAGE, name), path.join(unfinished, name));
    }
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: unfinished });
    await rename(unfinished, folder);
    return { folder };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: `cornerstone's adapter from the npm registry (${reason})` };
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

const readings = z.array(
  z.strictObject({
    file: z.string(),
    /** Of a report: how many of each tool. Of a SEG: what its state has. */
    found: z.union([z.array(z.string()), z.record(z.string(), z.number())]),
    warnings: z.array(z.string()),
  }),
);
export type Reading = z.infer<typeof readings>[number];

/** What the adapter makes of results, and what it logs, by the names of the results. */
export async function readWithCornerstone(
  folder: string,
  images: readonly Uint8Array[],
  results: Readonly<Record<string, Uint8Array>>,
): Promise<Record<string, Reading>> {
  const place = await mkdtemp(path.join(tmpdir(), 'cornerstone-reads-'));
  try {
    const imageFolder = path.join(place, 'images');
    await mkdir(imageFolder);
    for (const [k, bytes] of images.entries()) await writeFile(path.join(imageFolder, `${k}.dcm`), bytes);
    const files = [];
    for (const [name, bytes] of Object.entries(results)) {
      files.push(path.join(place, name));
      await writeFile(path.join(place, name), bytes);
    }
    const { stdout } = await run(process.execPath, [PROGRAM, folder, imageFolder, ...files]);
    const read = readings.parse(
      stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    );
    return Object.fromEntries(read.map((reading) => [reading.file, reading]));
  } finally {
    await rm(place, { recursive: true });
  }
}
