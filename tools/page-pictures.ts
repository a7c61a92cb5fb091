/**
 * Pictures of all pages in both themes and three widths, for people to look at: `npm run pages:pictures`.
 * Needs Debian's chromium. What is wider than its window is named.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startBrowser } from '../test/support/browser.ts';
import { overflow, settled, startPagesScene, WIDTHS } from '../test/support/pages-scene.ts';

const FOLDER = path.resolve(import.meta.dirname, '../out/pages');
const HEIGHT = 900;

await mkdir(FOLDER, { recursive: true });
await using open = new AsyncDisposableStack();
const scene = open.adopt(await startPagesScene(), (it) => it.stop());
const browser = open.adopt(await startBrowser(), (it) => it.close());
for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of WIDTHS) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: HEIGHT } });
    for (const [name, address] of Object.entries(scene.pages)) {
      await page.goto(`${scene.node.url}${address}`);
      await settled(page);
      const file = path.join(FOLDER, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path: file, fullPage: true });
      const { by, what } = await overflow(page);
      process.stdout.write(`${file}${by > 0 ? `: ${by} px too wide: ${what.join(' ')}` : ''}\n`);
    }
    await page.close();
  }
}
