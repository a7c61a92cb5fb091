import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '3.13.2';
/** Outside of the checkout: 50 MB packed that only this test needs. */
const CACHE = path.join(tmpdir(), 'pansegnet-viewer', `ohif-${VERSION}`);
const DIST = path.join(CACHE, 'package', 'dist');

/** Debian's, and the one that draws without a graphics card. */
export const CHROMIUM = '/usr/bin/chromium';

/** The folder of the built OHIF viewer, fetched from the npm registry where it isn't cached. Throws where it can't be. */
async function ohifFolder(): Promise<string> {
  if (existsSync(path.join(DIST, 'index.html'))) return DIST;
  await mkdir(CACHE, { recursive: true });
  // The package alone: it holds the finished viewer, and none of its dependencies is needed.
  await run('npm', ['pack', `@ohif/app@${VERSION}`], { cwd: CACHE });
  await run('tar', ['xzf', `ohif-app-${VERSION}.tgz`], { cwd: CACHE });
  return DIST;
}

/** The viewer's folder, or why the viewer can't be tested here. */
export async function findViewer(): Promise<{ readonly dist: string } | { readonly missing: string }> {
  if (!existsSync(CHROMIUM)) return { missing: 'chromium (apt-get install chromium)' };
  try {
    return { dist: await ohifFolder() };
  } catch (error) {
    return {
      missing: `OHIF from the npm registry (${error instanceof Error ? error.message : String(error)})`,
    };
  }
}
