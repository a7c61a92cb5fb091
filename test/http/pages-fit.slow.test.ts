import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accessibilityFindings, openPage, startBrowser } from '../support/browser.ts';
import { overflow, type PagesScene, settled, startPagesScene, WIDTHS } from '../support/pages-scene.ts';
import { describeWith } from '../support/requires.ts';

describeWith(['chromium'], 'pages with much on them', () => {
  let scene: PagesScene;
  let browser: Browser;
  beforeAll(async () => {
    scene = await startPagesScene();
    browser = await startBrowser();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await scene?.stop();
  });

  it.each(WIDTHS)('are no wider than a window of %d pixels', async (width) => {
    const { page } = await openPage(browser, { viewport: { width, height: 900 } });
    for (const [name, address] of Object.entries(scene.pages)) {
      await page.goto(`${scene.node.url}${address}`);
      await settled(page);
      expect(await overflow(page), name).toMatchObject({ what: [] });
      expect((await overflow(page)).by, name).toBeLessThanOrEqual(0);
    }
    await page.close();
  });

  it.each(['light', 'dark'] as const)(
    'show nothing serious to axe (%s), and load from the node alone',
    async (colorScheme) => {
      const { page, problems } = await openPage(browser, { colorScheme });
      const elsewhere: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(scene.node.url)) elsewhere.push(request.url());
      });
      for (const [name, address] of Object.entries(scene.pages)) {
        await page.goto(`${scene.node.url}${address}`);
        await settled(page);
        expect(await accessibilityFindings(page), name).toEqual([]);
      }
      expect(elsewhere.filter((url) => !url.startsWith('data:'))).toEqual([]);
      expect(problems.filter((one) => !one.includes('404'))).toEqual([]);
      await page.close();
    },
  );

  it('of the cohort show charts of what the table holds, and more of it page by page', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${scene.node.url}/cohort?class=CT&columns=study&columns=volumeMl`);
    await settled(page);
    expect(await page.locator('.cohort-charts canvas').count()).toBe(2);
    const seen = new Set<string>();
    for (;;) {
      for (const text of await page.locator('td[data-label="Study UID"]').allTextContents()) seen.add(text);
      const next = page.getByRole('link', { name: 'Next page' });
      if ((await next.count()) === 0) break;
      await next.click();
      await page.waitForLoadState();
    }
    const csv = await (await fetch(`${scene.node.url}/api/volumes.csv?class=CT&columns=study`)).text();
    // A withdrawn volume is marked whatever columns were chosen.
    await page.goto(`${scene.node.url}/cohort?review=withdrawn&columns=study`);
    const rows = await page.locator('tbody tr').count();
    expect(rows).toBeGreaterThan(0);
    expect(await page.locator('tbody tr', { hasText: 'Withdrawn' }).count()).toBe(rows);
    await page.goto(`${scene.node.url}/cohort`);
    const usual = await page.getByRole('link', { name: 'Download CSV' }).getAttribute('href');
    const [names] = (await (await fetch(new URL(usual ?? '', scene.node.url))).text()).split('\r\n');
    expect(names?.split(',')).toEqual(
      expect.arrayContaining(['person', 'correctedMl', 'withdrawn', 'mode', 'historyOnly', 'counted']),
    );
    await page.goto(`${scene.node.url}/cohort?class=CT&columns=study&columns=volumeMl`);
    await settled(page);
    expect([...seen].sort()).toEqual(csv.trimEnd().split('\r\n').slice(1).sort());
    await page.getByLabel('Volume against').selectOption('scanner');
    expect(await page.locator('.cohort-charts canvas').count()).toBe(2);
    await page.close();
  });

  it('put all that failed in the queue again, once that is confirmed', async () => {
    const { page } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${scene.node.url}/?when=all&state=failed&class=CT`);
    await page.goto(`${scene.node.url}/?when=all&state=failed&from=2026-01-01`);
    const failed = await page.locator('tbody tr[data-study]').count();
    expect(failed).toBeGreaterThan(3);
    await page.getByRole('link', { name: `Process all ${failed} again` }).click();
    expect(await page.locator('tbody tr[data-study]').count()).toBe(0);
    await page.getByRole('button', { name: `Process all ${failed} again` }).click();
    await page.waitForURL('**/?when=all&from=2026-01-01');
    await page.goto(`${scene.node.url}/?when=all&state=done&from=2026-01-01`);
    const done = await page.getByRole('link', { name: /Process all/ }).count();
    expect(done).toBe(1);
    await page.close();
  });

  it('say within 20 seconds that the node is gone, untouched, and show no part as good', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${scene.node.url}/`);
    expect(await page.locator('.looked time').count()).toBe(1);
    const { port } = new URL(scene.node.url);
    expect(port).not.toBe('');
    await scene.node.stop();
    const gone = page.getByRole('alert').filter({ hasText: 'No contact with the node since' });
    await gone.waitFor({ timeout: 20_000 });
    expect(await page.locator('.card .dot[aria-label="good"]').count()).toBe(0);
    await page.close();
  });
});
