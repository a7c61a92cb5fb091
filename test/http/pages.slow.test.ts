import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { accessibilityFindings, keepPicture, openPage, startBrowser } from '../support/browser.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { PATIENCE } from '../support/patience.ts';
import { describeWith } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';
import { smallCtSeries } from '../support/small-series.ts';

const FIRST = '2.25.9101';
const SECOND = '2.25.9102';
const STRANGER = '2.25.9103';
const SKIPPED = '2.25.9104';
const FAILED = '2.25.9105';

/** Where it is run, it says so in the title; where it is text, it is to be read. */
const HOSTILE = '<script>document.title="run"</script>"\'><img src=x onerror=document.title="run">';
const VIEWER =
  'https://viewer.example.org/?a="><script>document.title="run"</script>&study={studyInstanceUid}';

const jsonSchema = z.custom<Parameters<typeof z.fromJSONSchema>[0]>((value) => typeof value === 'object');
const openApi = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        responses: z.record(
          z.string(),
          z.object({ content: z.record(z.string(), z.object({ schema: jsonSchema.optional() })).optional() }),
        ),
      }),
    ),
  ),
});

const PERSON = { PatientID: 'P-77', PatientBirthDate: '19600102', PatientSex: 'F' };

describeWith(['chromium'], 'the pages', () => {
  let pages: PagesNode;
  let browser: Browser;
  let patientKey: string;
  /** The body of the first notification. */
  const notified = Promise.withResolvers<string>();
  const webhook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      notified.resolve(Buffer.concat(chunks).toString());
      response.writeHead(204).end();
    });
  });

  beforeAll(async () => {
    webhook.listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    const { port } = z.object({ port: z.int() }).parse(webhook.address());
    pages = await startPagesNode({
      pages: { viewerUrl: VIEWER },
      notifications: { webhook: { url: `http://127.0.0.1:${port}/hook`, secret: 'a secret of some length' } },
    });
    browser = await startBrowser();
    const hostile = {
      PatientName: HOSTILE.slice(0, 64),
      StudyDescription: HOSTILE.slice(0, 64),
      Manufacturer: '<b>Scanner</b>',
    };
    await pages.store(smallCtSeries(FIRST, { ...PERSON, ...hostile, StudyDate: '20240301' }));
    await pages.store(smallCtSeries(SECOND, { ...PERSON, PatientName: 'Doe^Jane', StudyDate: '20250301' }));
    await pages.store(smallCtSeries(STRANGER, { ...PERSON, PatientSex: 'M', StudyDate: '20260301' }));
    await pages.store([
      smallInstance(
        { study: SKIPPED, series: `${SKIPPED}.1`, sop: `${SKIPPED}.1.1` },
        {
          SeriesDescription: '<i>scout</i>',
          ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
          StudyDescription: 'chest',
        },
      ),
    ]);
    for (const study of [FIRST, SECOND, STRANGER, SKIPPED, FAILED]) await pages.process(study);
    patientKey = (await study(SECOND)).header?.patientKey ?? '';
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await pages?.stop();
    webhook.close();
  });

  const answer = z.object({
    study: z.object({ state: z.string() }),
    header: z.object({ patientKey: z.string() }).optional(),
    volumes: z.array(z.object({ report: z.object({ sopInstanceUid: z.string() }) })),
  });
  const study = async (uid: string) =>
    answer.parse(await (await fetch(`${pages.node.url}/api/studies/${uid}`)).json());
  const at = (path: string) => `${pages.node.url}${path}`;
  const everyPage = () => [
    '/?when=all',
    `/studies/${FIRST}`,
    `/studies/${SKIPPED}`,
    `/studies/${FAILED}`,
    `/patients/${patientKey}`,
    '/quality',
    '/studies/1.2.3',
  ];

  /** Until nothing on the page is on its way any more. */
  async function settled(page: Page): Promise<void> {
    await page.waitForFunction(() => {
      const images = document.querySelector('[data-images]');
      return !images || document.querySelectorAll('.slice[data-plane]').length === 3;
    });
    await page.waitForFunction(
      () => !document.querySelector('[data-volumes]') || document.querySelector('.uplot canvas'),
    );
  }

  it('show nothing serious to axe, in light and dark, and run without an error', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, problems } = await openPage(browser, { colorScheme });
      for (const path of everyPage()) {
        await page.goto(at(path));
        await settled(page);
        expect(await accessibilityFindings(page), `${path} ${colorScheme}`).toEqual([]);
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
          path,
        ).toBeLessThanOrEqual(0);
      }
      expect(problems.filter((one) => !one.includes('404'))).toEqual([]);
      await page.close();
    }
  });

  it('fit a phone', async () => {
    const { page } = await openPage(browser, { viewport: { width: 360, height: 780 } });
    for (const path of everyPage()) {
      await page.goto(at(path));
      await settled(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(360);
    }
    await page.close();
  });

  it('show names, descriptions and configuration that are HTML or script as text', async () => {
    const { page } = await openPage(browser);
    for (const path of everyPage()) {
      await page.goto(at(path));
      await settled(page);
      expect(await page.title(), path).not.toBe('run');
      expect(await page.locator('main img, main script, main b, main i').count(), path).toBe(0);
    }
    await page.goto(at(`/studies/${FIRST}`));
    expect(await page.locator('h1').textContent()).toBe(HOSTILE.slice(0, 64));
    expect(await page.locator('.facts').textContent()).toContain('<b>Scanner</b>');
    const viewer = await page.getByRole('link', { name: 'Open in viewer' }).getAttribute('href');
    expect(viewer).toBe(VIEWER.replace('{studyInstanceUid}', FIRST));
    await page.goto(at(`/studies/${SKIPPED}`));
    expect(await page.locator('table').textContent()).toContain('<i>scout</i>');
    await page.close();
  });

  it('say of each study where it stands and why, and find it by a word, a state or a date', async () => {
    const { page } = await openPage(browser);
    await page.goto(at('/'));
    expect(await page.locator('tbody tr[data-study]').count()).toBe(5);
    const skipped = page.locator(`tr[data-study="${SKIPPED}"]`);
    await skipped.locator('summary').click();
    expect(await skipped.locator('details li').count()).toBe(1);
    expect(await page.locator(`tr[data-study="${FAILED}"] .reason`).textContent()).toContain(
      'DICOM_WEB_ANSWER',
    );
    await keepPicture(page, 'failed-and-skipped');
    await page.getByLabel('Search').fill('doe p-77');
    await page.getByRole('button', { name: 'Show' }).click();
    // Jane is the second study's name; the others have none, or another.
    expect(
      await page
        .locator('tbody tr[data-study]')
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-study'))),
    ).toContain(SECOND);
    expect(await page.locator(`tr[data-study="${FIRST}"]`).count()).toBe(0);
    await page.goto(at('/?when=all&state=failed'));
    expect(await page.locator('tbody tr[data-study]').count()).toBe(1);
    await page.goto(at('/?when=all&from=2025-01-01&to=2025-12-31&class=CT'));
    expect(await page.locator('tbody tr[data-study]').count()).toBe(1);
    await page.goto(at('/?when=all&state=nonsense&offset=-3'));
    expect(await page.locator('tbody tr[data-study]').count()).toBe(5);
    await page.close();
  });

  it('join no line through two people, and say so', async () => {
    const { page } = await openPage(browser);
    await page.goto(at(`/patients/${patientKey}`));
    expect(await page.getByRole('alert').textContent()).toContain('not proven to be of one person');
    await keepPicture(page, 'two-people');
    expect(await page.locator('figcaption').textContent()).not.toContain('Saisho');
    const changes = await page.locator('td[data-label="Since previous"]').allTextContents();
    // The names of the first two differ, the sex of the third.
    expect(changes).toEqual(['', '', '']);
    await page.close();
  });

  it('keep what a reader says of a result, and count a rejected one no more', async () => {
    const { page } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(at(`/studies/${SECOND}`));
    await page.getByLabel('Reason (optional)').fill('wrong <b>organ</b>');
    await page.getByRole('button', { name: 'Reject' }).click();
    expect(await page.locator('.review').textContent()).toContain('Rejected by local');
    expect(await page.locator('.review q').textContent()).toBe('wrong <b>organ</b>');
    await page.goto(at(`/patients/${patientKey}`));
    expect(
      (await page.locator('td[data-label="Since previous"]').allTextContents()).every((text) => text === ''),
    ).toBe(true);
    const series = await pages.node.archive.searchSeries(SECOND);
    expect(series).toHaveLength(3); // images, SEG and report: the archive has heard nothing of it
    await page.goto(at(`/studies/${SECOND}`));
    await page.getByRole('button', { name: 'Accept' }).click();
    expect(await page.locator('.review').textContent()).toContain('Accepted by local');
    await page.close();
  });

  it('process a failed study again by the button, and follow it, by keyboard alone', async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at('/'));
    await pages.store(smallCtSeries(FAILED, { ...PERSON, PatientID: 'P-78' }));
    const button = page.locator(`tr[data-study="${FAILED}"]`).getByRole('button', { name: 'Process again' });
    await tabTo(page, button);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/studies/${FAILED}`);
    await page.locator('.title .state.done').waitFor(PATIENCE);
    expect((await study(FAILED)).study.state).toBe('done');
    expect(await page.locator('.measure strong').count()).toBe(1);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('move through slices, windows and outline by keyboard alone', async () => {
    const { page } = await openPage(browser);
    await page.goto(at(`/studies/${FIRST}`));
    await settled(page);
    const slider = page.getByRole('slider', { name: 'Axial: slice' });
    await tabTo(page, slider);
    const axial = page.locator('.slice[data-view="axial"]');
    const start = Number(await axial.getAttribute('data-plane'));
    await page.keyboard.press('ArrowRight');
    await page.locator(`.slice[data-view="axial"][data-plane="${start + 1}"]`).waitFor();
    await page.keyboard.press('PageUp');
    await page.locator('.slice[data-view="axial"][data-plane="11"]').waitFor();
    await page.keyboard.press('p');
    await page.locator(`.slice[data-view="axial"][data-plane="${start}"]`).waitFor();
    const outline = page.getByLabel('Outline');
    expect(await outline.isChecked()).toBe(true);
    await page.keyboard.press('o');
    expect(await outline.isChecked()).toBe(false);
    await page.keyboard.press('w');
    expect(await page.getByLabel('Window').inputValue()).toBe('1');
    await page.locator('.slice[data-view="axial"] canvas').hover();
    await page.mouse.wheel(0, 100);
    await page.locator(`.slice[data-view="axial"][data-plane="${start + 1}"]`).waitFor();
    await keepPicture(page, 'small-study');
    await page.close();
  });

  it('give answers by the API that are as its OpenAPI document says, and refuse with stable codes', async () => {
    const document = openApi.parse(await (await fetch(at('/api/openapi.json'))).json());
    const report = (await study(SECOND)).volumes[0]?.report.sopInstanceUid ?? '';
    const values = { uid: SECOND, key: patientKey, view: 'axial', plane: '3' };
    for (const [path, methods] of Object.entries(document.paths)) {
      const ofResult = { ...values, uid: report };
      const names: Readonly<Record<string, string>> = path.startsWith('/results') ? ofResult : values;
      const address = at(`/api${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '')}`);
      for (const [method, { responses }] of Object.entries(methods)) {
        if (path === '/events' || method === 'delete') continue;
        const isReview = path.endsWith('/review');
        const response = await fetch(address, {
          method: method.toUpperCase(),
          headers: {
            Accept: 'application/json',
            ...(isReview ? { 'Content-Type': 'application/json' } : {}),
          },
          ...(isReview ? { body: JSON.stringify({ decision: 'accepted' }) } : {}),
        });
        const described = responses[response.status];
        expect(described, `${method} ${path} answered ${response.status}`).toBeDefined();
        expect(response.ok, `${method} ${path}`).toBe(true);
        const [[type, { schema }] = ['', {}]] = Object.entries(described?.content ?? {});
        expect(response.headers.get('Content-Type')).toContain(type);
        if (schema)
          z.fromJSONSchema(schema).parse(await response.json(), { error: () => `${method} ${path}` });
        else await response.body?.cancel();
      }
    }
    for (const [path, status, code] of [
      ['/api/studies/1.2.3', 404, 'NOT_FOUND'],
      ['/api/studies?limit=0', 400, 'BAD_REQUEST'],
      ['/api/patients/nobody/volumes.csv', 400, 'BAD_REQUEST'],
      ['/api/results/1.2.3/images', 404, 'NOT_FOUND'],
      [`/api/results/${report}/images/axial/999`, 404, 'NOT_FOUND'],
      [`/api/results/${report}/images/oblique/1`, 400, 'BAD_REQUEST'],
    ] as const) {
      const response = await fetch(at(path));
      expect([response.status, await response.json()], path).toMatchObject([status, { code }]);
    }
  });

  it('tell by server-sent events what happens, without a name', async () => {
    const response = await fetch(at('/api/events'));
    expect(response.headers.get('Content-Type')).toContain('text/event-stream');
    await pages.process(FIRST);
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"state":"done"')) break;
    }
    expect(text).toContain('event: study\ndata: {"studyInstanceUid":"2.25.9101"');
    expect(text).toContain('event: progress');
    expect(text).not.toContain('P-77');
  });

  it('are not needed to hear of a failed study: a webhook is told, without patient data', async () => {
    expect(JSON.parse(await notified.promise)).toEqual({
      id: 1,
      event: 'study.failed',
      at: expect.any(String),
      studyInstanceUid: FAILED,
      errorCode: 'DICOM_WEB_ANSWER',
    });
  });

  it('load less than 300 kB at first', async () => {
    const { page } = await openPage(browser);
    let bytes = 0;
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.goto(at(`/patients/${patientKey}`));
    await settled(page);
    expect(bytes).toBeLessThan(300_000);
    await page.close();
  });
});

/** Tab until that has the focus, as somebody without a mouse does. */
async function tabTo(page: Page, target: ReturnType<Page['locator']>): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('Tab does not lead there');
}
