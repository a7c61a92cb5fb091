import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type CandidateFinding,
  claimCandidate,
  finishCandidate,
  noteCandidate,
} from '../../src/store/records/candidates.ts';
import { recordReview } from '../../src/store/records/reviews.ts';
import { accessibilityFindings, keepPicture, openPage, startBrowser } from '../support/browser.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { describeWith } from '../support/requires.ts';

const STUDIES = 24;
const LEASE = { owner: 'the test', seconds: 60 };
const CANDIDATE = 'a-name-that-is-as-long-as-names-of-trainings-are';

/** What makes the page wider than the screen; nothing, where it isn't. */
function beyondTheScreen(): string[] {
  if (document.documentElement.scrollWidth <= window.innerWidth) return [];
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > window.innerWidth)
    .map((element) => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 30)}`);
}

describeWith(['chromium'], 'the page of candidates', () => {
  let pages: PagesNode;
  let browser: Browser;

  beforeAll(async () => {
    pages = await startPagesNode();
    browser = await startBrowser();
    const { database } = pages.node;
    const model = (name: string) => ({
      name,
      version: '1.0.0',
      sha256: 'e3b0c442'.repeat(8),
      mode: 'fast' as const,
    });
    for (let i = 0; i < STUDIES; i++) {
      const study = `1.2.826.0.1.3680043.8.498.${'1234567890'.repeat(3)}.${i}`;
      const inUseMl = 40 + 3 * i;
      const noted = {
        studyInstanceUid: study,
        seriesInstanceUid: `${study}.1`,
        part: i === 0 ? 'echo 2 of a series of several' : '',
        class: 'CT',
        candidate: CANDIDATE,
        report: `${study}.9`,
        inUse: {
          model: model('in-use'),
          volumeMl: inUseMl,
          voxelCount: 1000 * inUseMl,
          intervalMl: null,
          flags: i % 3 === 0 ? ['touches-first-slice', 'uncertain-boundary'] : [],
          seg: null,
        },
        images: String(i),
        correction: null,
      };
      await noteCandidate(database, noted, { optOutKeys: [], now: new Date() });
      const candidates = [{ class: 'CT', name: CANDIDATE }];
      const claimed = await claimCandidate(database, candidates, LEASE);
      if (!claimed) throw new Error('it waits');
      const result: CandidateFinding = {
        model: model(CANDIDATE),
        volumeMl: inUseMl + 4 * Math.sin(i * i),
        voxelCount: 1,
        intervalMl: null,
        flags: i % 5 === 0 ? ['implausible-volume', 'several-components'] : [],
        dice: 0.97 - 0.01 * (i % 9),
        corrected: i % 4 === 0 ? { volumeMl: inUseMl, candidateDice: 0.93, inUseDice: 0.91 } : null,
        software: '0',
      };
      await finishCandidate(database, claimed, LEASE.owner, { result, now: new Date() });
      const review = { reason: '', reviewer: 'somebody', reviewedAt: new Date() };
      if (i % 2 === 0)
        await recordReview(database, noted.report, {
          ...review,
          decision: i % 6 === 0 ? 'rejected' : 'accepted',
        });
    }
  });
  afterAll(async () => {
    await browser?.close();
    await pages?.stop();
  });

  it('has nothing beyond the screen, light, dark, on a tablet and on a phone, and can be read by everybody', async () => {
    for (const [name, options] of [
      ['light', { viewport: { width: 1440, height: 900 } }],
      ['dark', { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' }],
      ['tablet', { viewport: { width: 834, height: 1112 } }],
      ['phone', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }],
      ['phone-dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
    ] as const) {
      const { page, problems } = await openPage(browser, options);
      await page.goto(`${pages.node.url}/candidates`);
      await keepPicture(page, `candidates-${name}`);
      expect(await page.evaluate(beyondTheScreen), name).toEqual([]);
      expect(await accessibilityFindings(page), name).toEqual([]);
      expect(problems).toEqual([]);
      expect(await page.locator('.plot circle').count()).toBe(STUDIES);
      // The worst cases, of all.
      expect(await page.getByRole('link', { name: /1\.2\.826/ }).count()).toBe(20);
      await page.close();
    }
  });
});
