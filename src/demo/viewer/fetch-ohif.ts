import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '3.13.2';
/** Outside of the checkout: 50 MB packed, which only the demo and a test want. */
const CACHE = path.join(tmpdir(), 'pansegnet-viewer');
const FOLDER = path.join(CACHE, `ohif-${VERSION}`);

/**
 * The folder of the built OHIF viewer, fetched from the npm registry once.
 * @throws Error where npm cannot fetch it
 */
export async function fetchOhif(): Promise<string> {
  const dist = path.join(FOLDER, 'package', 'dist');
  if (existsSync(path.join(dist, 'index.html'))) return dist;
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(path.join(CACHE, 'fetching-'));
  try {
    // The package alone: it holds the finished viewer, and none of its dependencies is needed.
    await run('npm', ['pack', `@ohif/app@${VERSION}`], { cwd: unfinished });
    await run('tar', ['xzf', `ohif-app-${VERSION}.tgz`], { cwd: unfinished });
    await rm(FOLDER, { recursive: true, force: true });
    await rename(unfinished, FOLDER);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return dist;
}
