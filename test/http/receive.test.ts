import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { type Receiving, type ReceivingOptions, startReceiving, stowBody } from '../support/receiving.ts';
import { smallInstance } from '../support/small-instance.ts';

let node: Receiving;
afterEach(() => node.stop());

const UIDS = { study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' };
const SECOND = { ...UIDS, sop: '1.2.3.1.2' };

async function start(options?: ReceivingOptions): Promise<DicomWebClient> {
  node = await startReceiving(options);
  return new DicomWebClient({ url: node.url });
}

function post(parts: readonly Uint8Array[], { at = '/studies', headers = {} } = {}) {
  const message = stowBody(parts);
  const all = { 'Content-Type': message.type, ...headers };
  return fetch(node.url + at, { method: 'POST', headers: all, body: message.body });
}

describe('STOW-RS receive', () => {
  it('keeps the very bytes, in a file that is not named after anything in them, and answers 200', async () => {
    const client = await start();
    const bytes = smallInstance(UIDS);
    expect(await client.store(undefined, [bytes])).toEqual({ status: 200, stored: [UIDS.sop], failed: [] });
    const [name = '', ...more] = await node.files();
    expect(more).toEqual([]);
    expect(name).toMatch(/^ready\/[0-9a-f-]{36}\.stow\.dcm$/);
    expect((await readFile(path.join(node.folder, name))).equals(bytes)).toBe(true);
    expect(node.spool.waiting).toMatchObject([{ studyUid: UIDS.study, sopUid: UIDS.sop }]);
  });

  it('answers 202 where some instances are not taken, 409 where none is, and says why', async () => {
    const client = await start();
    const good = smallInstance(UIDS);
    const cut = smallInstance(SECOND).subarray(0, -1);
    const blank = smallInstance({ ...UIDS, series: '', sop: '1.2.3.1.3' });
    const some = await client.store(undefined, [good, cut, blank, Buffer.from('no DICOM')]);
    expect(some.status).toBe(202);
    expect(some.stored).toEqual([UIDS.sop]);
    expect(some.failed.toSorted((a) => (a.sopInstanceUid ? -1 : 1))).toEqual([
      { sopInstanceUid: '1.2.3.1.3', reason: 0xc000 },
      { sopInstanceUid: undefined, reason: 0xc000 },
      { sopInstanceUid: undefined, reason: 0xc000 },
    ]);
    expect(await client.store('1.2.9', [good])).toEqual({
      status: 409,
      stored: [],
      failed: [{ sopInstanceUid: UIDS.sop, reason: 0x0110 }],
    });
    expect(await node.files()).toHaveLength(1);
  });

  it('answers in the form that is asked for: JSON, or the Native DICOM Model, or 406', async () => {
    await start();
    const asked = async (accept: string | undefined) => {
      const response = await post([smallInstance(UIDS)], { headers: accept ? { Accept: accept } : {} });
      expect(response.status).toBe(200);
      return { type: response.headers.get('Content-Type')?.replace(/;.*/, ''), text: await response.text() };
    };
    for (const [accept, type] of [
      [undefined, 'application/dicom+json'],
      ['*/*', 'application/dicom+json'],
      ['application/json', 'application/json'],
    ]) {
      const json = await asked(accept);
      expect(json.type).toBe(type);
      expect(JSON.parse(json.text)).toMatchObject({
        '00081199': { Value: [{ '00081155': { Value: [UIDS.sop] } }] },
      });
    }
    const xml = await asked('application/dicom+xml, application/json;q=0.1');
    expect(xml.type).toBe('application/dicom+xml');
    expect(xml.text).toContain('<DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence">');
    expect(xml.text).toContain(`<Value number="1">${UIDS.sop}</Value>`);
    expect((await post([], { headers: { Accept: 'text/html' } })).status).toBe(406);
  });

  it.each<[number, string, string]>([
    [415, 'application/dicom', 'x'],
    [415, 'multipart/related; type="application/dicom+json"; boundary=b', '--b--'],
    [400, 'multipart/related; type="application/dicom"', '--b--'],
    [400, 'multipart/related; boundary=b', '--b--'],
    [400, 'multipart/related; boundary=b', '--b\r\nContent-Type: application/dicom\r\n\r\nx'],
    [400, 'multipart/related; boundary=b', '--bc\r\n\r\nx\r\n--b--'],
  ])('answers %i to a body of type %s: %j', async (status, type, body) => {
    await start();
    const response = await fetch(`${node.url}/studies`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    expect(await node.files()).toEqual([]);
  });

  it('answers 415 to a body that is compressed', async () => {
    await start();
    expect((await post([smallInstance(UIDS)], { headers: { 'Content-Encoding': 'gzip' } })).status).toBe(415);
  });

  it('answers 405 to other methods, and says which one there is', async () => {
    await start();
    const response = await fetch(`${node.url}/studies`);
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST']);
  });

  it('refuses UIDs that are paths, in the address and in instances, and stores nothing', async () => {
    const client = await start();
    for (const hostile of ['..', '../../etc', '1..2', '1/2', '%2e%2e%2f', '1.2\\3', '.1', 'x'.repeat(65)]) {
      const address = encodeURIComponent(hostile);
      // URL parsers resolve a segment of two dots before anything is sent.
      const { status } = await post([smallInstance(UIDS)], { at: `/studies/${address}` });
      expect(status).toBe(/^(\.|%2e)+$/i.test(address) ? 404 : 400);
      const inside = [
        smallInstance({ ...UIDS, study: hostile }),
        smallInstance({ ...UIDS, series: hostile }),
        smallInstance({ ...UIDS, sop: hostile }),
      ];
      expect((await client.store(undefined, inside)).status).toBe(409);
    }
    expect(await node.files()).toEqual([]);
  });
});

describe('the limits of STOW-RS receive', () => {
  it('an instance that is too large is answered with 413, and nothing of its request is stored', async () => {
    await start({ limits: { maxInstanceBytes: 100_000 } });
    const response = await post([smallInstance(UIDS), Buffer.alloc(20_000_000)]);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'TOO_LARGE' });
    expect(await node.files()).toEqual([]);
    expect(node.spool.figures.bytes).toBe(0);
  });

  it('a spool that becomes full is out of resources for the rest; a full one is answered with 503 and Retry-After', async () => {
    const bytes = smallInstance(UIDS);
    const client = await start({ limits: { maxSpoolBytes: Math.round(bytes.length * 1.5) } });
    expect(await client.store(undefined, [bytes, smallInstance(SECOND)])).toEqual({
      status: 202,
      stored: [UIDS.sop],
      failed: [{ sopInstanceUid: undefined, reason: 0xa700 }],
    });
    const response = await post([smallInstance(SECOND)]);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '7']);
    expect(await node.files()).toHaveLength(1);
    // What the archive has taken makes room again.
    for (const instance of node.spool.waiting) await node.spool.remove(instance);
    expect((await post([smallInstance(SECOND)])).status).toBe(200);
    expect(node.spool.figures).toMatchObject({ waiting: 1, bytes: bytes.length });
  });

  it('a disk with too little left is answered with 503 and Retry-After, before the body is read', async () => {
    await start({ limits: { minFreeBytes: Number.MAX_SAFE_INTEGER } });
    const response = await post([smallInstance(UIDS)]);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '7']);
    expect(await response.json()).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await node.files()).toEqual([]);
  });

  it('100,000 parts that are no instances are answered with 400, and most of them are not looked at', async () => {
    await start();
    const receive = vi.spyOn(node.spool, 'receive');
    const tiny = Buffer.from('no DICOM');
    const answer = await post(Array.from({ length: 100_000 }, () => tiny));
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { message: expect.stringMatching(/more than 1000 parts that are no DICOM instances/) },
    ]);
    expect(receive).toHaveBeenCalledTimes(1_001);
    expect(await node.files()).toEqual([]);
  });

  it('more requests at a time than configured are answered with 429 and Retry-After', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    const noRoom = vi.fn<() => Promise<undefined>>(() => released);
    await start({ parts: { concurrentRequests: 1, noRoom } });
    const first = post([smallInstance(UIDS)]);
    await vi.waitFor(() => expect(noRoom).toHaveBeenCalled());
    const second = await post([smallInstance(SECOND)]);
    expect([second.status, second.headers.get('Retry-After')]).toEqual([429, '7']);
    release(undefined);
    expect((await first).status).toBe(200);
    expect((await post([smallInstance(SECOND)])).status).toBe(200);
  });
});

describe('hostile requests to STOW-RS receive', () => {
  it('get a 4xx, never a 5xx, and nothing of them is stored', async () => {
    await start({ limits: { maxInstanceBytes: 10_000 } });
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const good = stowBody([smallInstance(UIDS)]);
    const damaged = fc
      .tuple(fc.nat(good.body.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.boolean())
      .map(([at, bytes, cutThere]) => {
        const body = Buffer.from(good.body);
        body.set(bytes.subarray(0, body.length - at), at);
        return cutThere ? body.subarray(0, at) : body;
      });
    const type = fc.oneof(
      fc.constant(good.type),
      fc.string({ unit: 'binary-ascii' }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?')),
    );
    const target = fc.constantFrom('/studies', '/studies/1.2.3', '/studies/..%2f', '/studies/%00', '/%ff');
    await fc.assert(
      fc.asyncProperty(type, fc.oneof(damaged, fc.uint8Array()), target, async (contentType, body, at) => {
        const response = await fetch(node.url + at, {
          method: 'POST',
          headers: { 'Content-Type': contentType },
          body: new Uint8Array(body),
        });
        await response.body?.cancel();
        // Damage to pixels, names and the like leaves an instance that can be stored.
        expect([200, 400, 404, 409, 413, 415]).toContain(response.status);
        if (response.status === 200) for (const one of node.spool.waiting) await node.spool.remove(one);
        expect(await node.files()).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(told).not.toHaveBeenCalled();
    told.mockRestore();
  });
});
