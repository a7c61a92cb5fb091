import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';

const SRC = path.resolve(import.meta.dirname, '../..');
/** `.ts` in a checkout, `.js` in a packed release, whose modules import each other by that name. */
const EXTENSION = path.extname(import.meta.filename);

/** Modules of src that browsers get: those of the pages, and all that they import. */
const MODULES = [
  'http/browser/cohort-chart',
  'http/browser/live',
  'http/browser/slice-store',
  'http/browser/slice-view',
  'http/browser/study-images',
  'http/browser/volume-chart',
  'http/pages/cohort-texts',
  'http/pages/texts',
  'pictures/outline',
  'time-left',
] as const;

/** Where a page finds one of its modules, below /assets. */
export const moduleAddress = (name: 'cohort-chart' | 'live' | 'study-images' | 'volume-chart'): string =>
  `modules/http/browser/${name}${EXTENSION}`;

/** The modules as JavaScript, by their address below /assets. */
export async function browserModules(): Promise<ReadonlyMap<string, string>> {
  const sources = MODULES.map((name) => readFileSync(path.join(SRC, name + EXTENSION), 'utf8'));
  const scripts = EXTENSION === '.ts' ? await withoutTypes(sources) : sources;
  return new Map(MODULES.map((name, index) => [`modules/${name}${EXTENSION}`, scripts[index] ?? '']));
}

async function withoutTypes(sources: readonly string[]): Promise<string[]> {
  const worker = new Worker(path.join(import.meta.dirname, `strip-types-worker${EXTENSION}`), {
    workerData: sources,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const [scripts]: unknown[] = await once(worker, 'message');
  return z.array(z.string()).parse(scripts);
}
