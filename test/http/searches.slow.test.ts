import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addToken } from '../../src/http/security/token-file.ts';
import { hashedWords } from '../../src/logging/identifiers.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { smallInstance } from '../support/small-instance.ts';

const NAME = 'Zoe^Quastenflosser';
const STUDY = '2.25.7701';
const KEY = 'a key of the site, for the test';

describe('who looks for a name', () => {
  let folder: string;
  let pages: PagesNode;
  let token: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'searches-'));
    const tokensFile = path.join(folder, 'tokens.json');
    token = await addToken(tokensFile, { name: 'eve', role: 'viewer', expires: null, now: new Date() });
    const operator = await addToken(tokensFile, {
      name: 'otto',
      role: 'operator',
      expires: null,
      now: new Date(),
    });
    pages = await startPagesNode({
      auth: { tokensFile },
      audit: { folder: path.join(folder, 'audit') },
      log: { level: 'fatal', key: KEY },
    });
    const uids = { study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.1` };
    await pages.store([smallInstance(uids, { PatientName: NAME })]);
    await pages.process(STUDY, operator);
  });
  afterAll(async () => {
    await pages?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (address: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${token}`);
    return fetch(address.startsWith('http') ? address : pages.node.url + address, {
      redirect: 'manual',
      ...init,
      headers,
    });
  };
  const placeOf = (answer: Response): string =>
    new URL(answer.headers.get('Location') ?? '', answer.url).href;

  it('sends it in a body, and gets pages at addresses that do not hold it', async () => {
    const found = await ask('/', {
      method: 'POST',
      body: new URLSearchParams({ when: 'all', words: 'quastenflosser' }),
    });
    expect(found.status).toBe(303);
    expect(placeOf(found)).not.toMatch(/quasten/i);
    const page = await (await ask(placeOf(found))).text();
    expect(page).toContain(STUDY);
    const addresses = [...page.matchAll(/(?:href|action)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.filter((address) => /quasten/i.test(decodeURIComponent(address ?? '')))).toEqual([]);
    expect(page).toContain('value="quastenflosser"');
    const nobody = await ask('/', { method: 'POST', body: new URLSearchParams({ when: 'all', words: 'x' }) });
    expect(await (await ask(placeOf(nobody))).text()).not.toContain(STUDY);
  });

  it('is sent on from an old address, and a program is told where to ask', async () => {
    const old = await ask('/?when=all&words=quastenflosser');
    expect([old.status, placeOf(old)]).toEqual([303, expect.not.stringMatching(/quasten/i)]);
    expect(await (await ask(placeOf(old))).text()).toContain(STUDY);
    expect((await ask('/?when=all&search=made-up')).status).toBe(200);
    const get = await ask('/api/studies?words=quastenflosser');
    expect([get.status, await get.json()]).toMatchObject([
      400,
      { message: expect.stringMatching('POST /api/studies/search') },
    ]);
    const search = async (words: string): Promise<unknown> => {
      const answer = await ask('/api/studies/search', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ words }),
      });
      return answer.json();
    };
    expect(await search('quastenflosser')).toMatchObject({ total: 1 });
    expect(await search('nobody')).toMatchObject({ total: 0 });
  });

  it('stands in the audit log with a keyed hash of it alone', async () => {
    await ask('/api/studies?Quastenflosser=1');
    await ask(`/dicom-web/studies?PatientName=${encodeURIComponent(NAME)}`);
    const audit = async (): Promise<string> => {
      const names = (await readdir(path.join(folder, 'audit'))).filter((name) => name.endsWith('.log'));
      const texts = names.map((name) => readFile(path.join(folder, 'audit', name), 'utf8'));
      return (await Promise.all(texts))
        .join('')
        .replaceAll(/<ParticipantObjectQuery>([^<]*)</g, (_all, query: string) => atob(query));
    };
    await expect.poll(audit).toContain(`PatientName=${hashedWords(NAME, KEY)}`);
    const text = await audit();
    expect(text).toContain(`words=${hashedWords('quastenflosser', KEY)}`);
    expect(text).toContain('when=all');
    expect(text).not.toMatch(/quasten/i);
  });
});
