import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addToken, revokeToken } from '../../src/http/security/token-file.ts';
import { accessibilityFindings, openPage, startBrowser } from '../support/browser.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { describeWith } from '../support/requires.ts';
import { smallCtSeries } from '../support/small-series.ts';

const BASE = '/imaging/pancreas';
const STUDY = '2.25.9301';

describeWith(['chromium'], 'the pages below a path of a reverse proxy, with tokens', () => {
  let folder: string;
  let pages: PagesNode;
  let tokensFile: string;
  let browser: Browser;
  const tokens = { viewer: '', operator: '' };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pages-access-'));
    tokensFile = path.join(folder, 'tokens.json');
    for (const role of ['viewer', 'operator'] as const) {
      tokens[role] = await addToken(tokensFile, {
        name: `the ${role}`,
        role,
        expires: null,
        now: new Date(),
      });
    }
    pages = await startPagesNode({
      http: { port: 0, basePath: BASE },
      auth: { tokensFile },
      pages: { rejectionNotes: true, referenceRange: 'saisho2007' },
    });
    browser = await startBrowser();
    await pages.store(
      smallCtSeries(STUDY, { PatientID: 'P-1', PatientName: 'Doe^Jane', PatientBirthDate: '19850101' }),
    );
    await pages.process(STUDY, tokens.operator);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await pages?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function logIn(page: Page, token: string): Promise<void> {
    await page.goto(`${pages.node.url}/`);
    await page.waitForURL(`**${BASE}/login`);
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Studies' }).waitFor();
  }

  it('lead to nothing outside of it, and nowhere in vain', async () => {
    const { page, problems } = await openPage(browser);
    await logIn(page, tokens.operator);
    const origin = new URL(pages.node.url).origin;
    const seen = new Set<string>();
    const waiting = [`${origin}${BASE}/?when=all`];
    for (let address = waiting.pop(); address !== undefined; address = waiting.pop()) {
      if (seen.has(address)) continue;
      seen.add(address);
      expect(new URL(address).pathname.startsWith(`${BASE}/`), address).toBe(true);
      const answer = await page.request.get(address);
      expect([address, answer.status()]).toEqual([address, 200]);
      if (!answer.headers()['content-type']?.startsWith('text/html')) continue;
      await page.goto(address);
      const links = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLAnchorElement>('a[href]')].map(({ href }) => href),
      );
      // The list with other filters is the same page.
      waiting.push(...links.filter((link) => link.startsWith(origin) && !/[?&](state|month)=/.test(link)));
    }
    expect([...seen].filter((address) => address.includes(`/studies/${STUDY}`)).length).toBeGreaterThan(0);
    expect([...seen].some((address) => address.endsWith('volumes.csv'))).toBe(true);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('offer a viewer nothing that changes anything, and an operator all of it', async () => {
    for (const [role, buttons] of [
      ['viewer', 0],
      ['operator', 1],
    ] as const) {
      const { page } = await openPage(browser);
      await logIn(page, tokens[role]);
      await page.goto(`${pages.node.url}/studies/${STUDY}`);
      await page.waitForFunction(() => document.querySelectorAll('.slice[data-plane]').length === 3);
      for (const name of ['Process again', 'Accept', 'Reject']) {
        expect(await page.getByRole('button', { name }).count(), `${role}: ${name}`).toBe(buttons);
      }
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(`**${BASE}/login`);
      await page.close();
    }
  });

  it('let nobody go on listening to events whose token was revoked, or who has logged out', async () => {
    const added = { name: 'for a while', role: 'viewer', expires: null, now: new Date() } as const;
    const token = await addToken(tokensFile, added);
    const listen = async (headers: Record<string, string>) => {
      const { body, status } = await fetch(`${pages.node.url}/api/events`, { headers });
      expect(status).toBe(200);
      return body?.pipeThrough(new TextDecoderStream()).getReader();
    };
    const ended = async (reader: Awaited<ReturnType<typeof listen>>) => {
      while (!(await reader?.read())?.done);
    };
    const { page } = await openPage(browser);
    await logIn(page, tokens.viewer);
    const [{ name, value } = { name: '', value: '' }] = await page.context().cookies();
    const origin = new URL(pages.node.url).origin;
    const cookie = { Cookie: `${name}=${value}`, Origin: origin };
    const [byToken, byCookie] = [await listen({ Authorization: `Bearer ${token}` }), await listen(cookie)];
    const staying = await listen({ Authorization: `Bearer ${tokens.operator}` });
    await revokeToken(tokensFile, added.name, new Date());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await Promise.all([ended(byToken), ended(byCookie)]);
    // Whatever had come is read before the next turn of the event loop.
    expect(await Promise.race([ended(staying), setImmediate('it listens')])).toBe('it listens');
    await staying?.cancel();
    await page.close();
  });

  it('sign a review with the name of whoever is logged in', async () => {
    const { page } = await openPage(browser);
    await logIn(page, tokens.operator);
    await page.goto(`${pages.node.url}/studies/${STUDY}`);
    await page.getByRole('button', { name: 'Accept' }).click();
    await page.locator('.review .state.accepted').waitFor();
    expect(await page.locator('.review').textContent()).toContain('by the operator');
    await page.close();
  });

  it('draw the range of the literature where the site wants it, for the age and the images that it is of', async () => {
    const { page } = await openPage(browser);
    await logIn(page, tokens.viewer);
    await page.getByRole('link', { name: 'Doe, Jane' }).click();
    await page.waitForSelector('.uplot canvas');
    expect(await page.locator('figcaption').textContent()).toContain('Saisho');
    await page.close();
  });

  it('store a rejection note for a rejected result where the site wants it', async () => {
    const { page } = await openPage(browser);
    await logIn(page, tokens.operator);
    await page.goto(`${pages.node.url}/studies/${STUDY}`);
    await page.getByRole('button', { name: 'Reject' }).click();
    await page.locator('.review .state.rejected').waitFor();
    expect(await page.locator('.figure').textContent()).toContain('Withdrawn');
    const series = await pages.node.archive.searchSeries(STUDY);
    expect(series.map((one) => one['Modality'])).toContain('KO');
    await page.close();
  });
});
