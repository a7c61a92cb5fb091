import { decode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { DEMO_MODEL_NAMES } from '../../src/demo/demo-models.ts';
import { syntheticStudies } from '../../src/demo/studies.ts';
import { accessibilityFindings, keepPicture, openPage, startBrowser } from '../support/browser.ts';
import { DEMO_MODELS } from '../support/demo-models.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { describeWith } from '../support/requires.ts';
import { allInstances } from '../support/study-files.ts';

/** Voxels by which outline and truth may differ: the demo's network is a small one. */
const OUTLINE_TOLERANCE = 5;

/** What makes the page wider than the screen; nothing, where it isn't. */
function beyondTheScreen(): string[] {
  if (document.documentElement.scrollWidth <= window.innerWidth) return [];
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > window.innerWidth)
    .map((element) => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 30)}`);
}

describeWith(['chromium'], 'the pages with the demo patient', () => {
  const [first, second] = syntheticStudies();
  let pages: PagesNode;
  let browser: Browser;
  /** What the progress bar showed while the first study was processed. */
  const shown = new Set<string>();

  beforeAll(async () => {
    if (!first || !second) throw new Error('the demo has two CTs');
    pages = await startPagesNode({
      models: { folder: DEMO_MODELS, ...DEMO_MODEL_NAMES },
      selection: { siteRules: [] },
      inference: {},
      results: { repeatabilityPercent: { CT: 7, T1W: null, T2W: null } },
    });
    browser = await startBrowser();
    const { page } = await openPage(browser);
    await page.goto(pages.node.url);
    await page.exposeFunction('seen', (text: string) => void shown.add(text));
    await page.evaluate(() => {
      const look = () => {
        const text = document.querySelector('.stage')?.textContent?.trim();
        if (text) void Object(window).seen(text);
      };
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      });
    });
    for (const study of [first, second]) {
      await pages.store(allInstances(study));
      await pages.process(study.studyInstanceUid);
    }
    await page.close();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await pages?.stop();
  });

  it('show the progress of a study as it moves, without a reload', () => {
    const percents = [...shown]
      .flatMap((text) => /^segment (\d+) %(?:, .+ left)?$/.exec(text)?.[1] ?? [])
      .map(Number);
    expect(percents.length).toBeGreaterThan(2);
    expect(Math.max(...percents)).toBeGreaterThan(Math.min(...percents));
    expect([...shown].some((text) => text.endsWith(' left'))).toBe(true);
  });

  it('show the outline over the pancreas, and none when it is off', async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(`${pages.node.url}/studies/${first?.studyInstanceUid}`);
    await page.waitForFunction(() => document.querySelectorAll('.slice[data-plane]').length === 3);
    await keepPicture(page, 'study');
    const axial = page.locator('.slice[data-view="axial"]');
    const plane = Number(await axial.getAttribute('data-plane'));
    const truth = first?.series.find(({ kind }) => kind !== 'NONE')?.truth?.();
    if (!truth) throw new Error('the demo knows where the pancreas is');
    const [nx, ny] = truth.size;
    const inside = {
      width: nx,
      height: ny,
      isSet: (x: number, y: number) => truth.voxels[x + nx * (y + ny * plane)] === 1,
    };
    const wanted = boxOf(inside);
    const found = scaled(boxOf(await amberOf(page)), await sizeOf(page), [nx, ny]);
    for (const [edge, at] of found.entries()) {
      expect(
        Math.abs(at - (wanted[edge] ?? 0)),
        `edge ${edge}: ${found.join(' ')} for ${wanted.join(' ')}`,
      ).toBeLessThanOrEqual(OUTLINE_TOLERANCE);
    }
    await page.getByLabel('Outline').uncheck();
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    expect(boxOf(await amberOf(page))).toEqual([Infinity, Infinity, -Infinity, -Infinity]);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('show both volumes of the patient and the fall of about 12 %, with the same numbers in the CSV', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${pages.node.url}/studies/${second?.studyInstanceUid}`);
    await page.getByRole('link', { name: 'Synthetic, Adam' }).click();
    await page.waitForSelector('.uplot canvas');
    await keepPicture(page, 'patient');
    expect(await accessibilityFindings(page)).toEqual([]);
    const volumes = (await page.locator('td[data-label="Volume (ml)"]').allTextContents()).map(Number);
    const [change = ''] = (await page.locator('td[data-label="Since first"]').allTextContents()).filter(
      Boolean,
    );
    const percent = Number(/\((.+) %\)/.exec(change)?.[1]?.replace('\u2212', '-'));
    expect(volumes).toHaveLength(2);
    expect(percent).toBeGreaterThanOrEqual(-16);
    expect(percent).toBeLessThanOrEqual(-8);
    const link = await page.getByRole('link', { name: 'Download CSV' }).getAttribute('href');
    const [names = '', ...lines] = (await (await fetch(`${pages.node.url}${link}`)).text())
      .trim()
      .split('\r\n');
    const column = names.split(',').indexOf('volumeMl');
    const numbers = lines.map((line) => Number(line.split(',')[column]));
    expect(numbers.map((ml) => ml.toFixed(1))).toEqual(volumes.map((ml) => ml.toFixed(1)));
    expect((100 * ((numbers[1] ?? 0) / (numbers[0] ?? 1) - 1)).toFixed(1)).toBe(percent.toFixed(1));
    await page.close();
  });

  it('lead from a point of the chart to its study', async () => {
    const { page } = await openPage(browser);
    const key = await patientKey();
    await page.goto(`${pages.node.url}/patients/${key}`);
    const chart = page.locator('.u-over');
    const box = await chart.boundingBox();
    if (!box) throw new Error('the chart is shown');
    const details = await pages.node.studyDetails(first?.studyInstanceUid ?? '');
    const [volume] = details?.volumes ?? [];
    const top = 1.15 * z.number().parse(volume?.intervalMl?.high); // the axis goes a little above the largest
    // The two studies lie 366 days apart, and the axis goes 60 days beyond them.
    const position = {
      x: box.width * (60 / (60 + 366 + 60)),
      y: box.height * (1 - (volume?.volumeMl ?? 0) / top),
    };
    await chart.hover({ position });
    await chart.click({ position });
    await page.waitForURL('**/studies/**');
    expect(page.url()).toContain(`/studies/${first?.studyInstanceUid}?result=`);
    await page.close();
  });

  it('are kept as pictures, light, dark, on a tablet and on a phone, and nothing leaves the screen', async () => {
    const key = await patientKey();
    for (const [name, options] of [
      ['light', {}],
      ['dark', { colorScheme: 'dark' }],
      ['tablet', { viewport: { width: 834, height: 1112 } }],
      ['phone', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }],
    ] as const) {
      const { page } = await openPage(browser, options);
      for (const [what, path] of [
        ['dashboard', '/?when=all'],
        ['study', `/studies/${second?.studyInstanceUid}`],
        ['patient', `/patients/${key}`],
        ['quality', '/quality'],
      ] as const) {
        await page.goto(pages.node.url + path);
        if (what === 'study')
          await page.waitForFunction(() => document.querySelectorAll('.slice[data-plane]').length === 3);
        if (what === 'patient') await page.waitForSelector('.uplot canvas');
        await keepPicture(page, `${what}-${name}`);
        expect(await page.evaluate(beyondTheScreen), `${what} ${name}`).toEqual([]);
        expect(await page.getByText('For research use only').count(), path).toBeGreaterThan(0);
      }
      await page.close();
    }
  });

  async function patientKey(): Promise<string> {
    const details = await pages.node.studyDetails(second?.studyInstanceUid ?? '');
    return z.string().parse(details?.volumes[0]?.patientKey);
  }
});

interface Marks {
  readonly width: number;
  readonly height: number;
  readonly isSet: (x: number, y: number) => boolean;
}

/**
 * The pixels of the axial canvas that have the outline's colour, as a person's eye gets them: from the
 * screen.
 */
async function amberOf(page: Page): Promise<Marks> {
  const { data, width, height, channels } = decode(
    await page.locator('.slice[data-view="axial"] canvas').screenshot(),
  );
  return {
    width,
    height,
    isSet: (x, y) => {
      const at = (y * width + x) * channels;
      const [red = 0, green = 0, blue = 0] = [data[at], data[at + 1], data[at + 2]];
      return red > 200 && green > 130 && green < 210 && blue < 90;
    },
  };
}

async function sizeOf(page: Page): Promise<[number, number]> {
  const { width, height } = await amberOf(page);
  return [width, height];
}

/** Left, top, right and bottom end of what is set. */
function boxOf({ width, height, isSet }: Marks): number[] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isSet(x, y)) continue;
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
  }
  return [left, top, right, bottom];
}

function scaled(
  [left = 0, top = 0, right = 0, bottom = 0]: number[],
  from: [number, number],
  to: [number, number],
): number[] {
  const [across, down] = [to[0] / from[0], to[1] / from[1]];
  return [left * across, top * down, right * across, bottom * down];
}
