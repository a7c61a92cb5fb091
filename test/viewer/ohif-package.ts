import { existsSync } from 'node:fs';
import { fetchOhif } from '../../src/demo/viewer/fetch-ohif.ts';

/** Debian's, and the one that draws without a graphics card. */
export const CHROMIUM = '/usr/bin/chromium';

/** The viewer's folder, or why the viewer can't be tested here. */
export async function findViewer(): Promise<{ readonly dist: string } | { readonly missing: string }> {
  if (!existsSync(CHROMIUM)) return { missing: 'chromium (apt-get install chromium)' };
  try {
    return { dist: await fetchOhif() };
  } catch (error) {
    return {
      missing: `OHIF from the npm registry (${error instanceof Error ? error.message : String(error)})`,
    };
  }
}
