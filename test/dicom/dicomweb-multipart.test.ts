import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MultipartError,
  mediaType,
  multipartBoundary,
  splitMultipart,
  streamMultipart,
} from '../../src/dicom/web/multipart.ts';
import { collect } from '../support/collect.ts';

const BOUNDARY = 'b-0';
const DELIMITER = `\r\n--${BOUNDARY}`;

/** Longer than RFC 2046 allows. */
const ORTHANC_BOUNDARY = 'd924139f-d45b-4981-bd97-55e024a8dad0-d924139f-d45b-4981-bd97-55e024a8dad0';

function message(parts: readonly Uint8Array[], type = 'application/dicom'): Buffer {
  const pieces = parts.flatMap((part) => [
    Buffer.from(`${DELIMITER}\r\nContent-Type: ${type}\r\n\r\n`),
    part,
  ]);
  return Buffer.concat([...pieces, Buffer.from(`${DELIMITER}--`)]);
}

/** Cuts a body into chunks of the given sizes, again and again. */
async function* inChunks(body: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let offset = 0, turn = 0; offset < body.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield body.subarray(offset, offset + size);
    offset += size;
  }
}

async function split(
  body: AsyncIterable<Uint8Array>,
  boundary = BOUNDARY,
  limit = 2 ** 30,
): Promise<string[]> {
  const parts: string[] = [];
  for await (const part of splitMultipart(body, boundary, () => ({ bytes: limit }))) {
    parts.push(Buffer.from(part.bytes).toString('latin1'));
  }
  return parts;
}

/** Bytes full of beginnings of the delimiter. */
const treacherous = fc
  .array(fc.constantFrom('\r', '\n', '-', 'b', '0', '\r\n', '\r\n--', '\r\n--b', 'x'), { maxLength: 60 })
  .map((pieces) => pieces.join(''))
  .filter((text) => !`${text}\r\n`.includes(DELIMITER));
const chunkSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

describe('splitting a multipart body', () => {
  it('gives every part back, however the network cuts the body', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(treacherous, { minLength: 1, maxLength: 6 }),
        chunkSizes,
        async (texts, sizes) => {
          const body = message(texts.map((text) => Buffer.from(text, 'latin1')));
          expect(await split(inChunks(body, sizes))).toEqual(texts);
        },
      ),
    );
  });

  it('gives parts of every size back, however much of the body arrives at once', async () => {
    // Around 64 KiB, the buffer of a Node stream, is where holding back would begin.
    const size = fc.oneof(fc.nat(200_000), fc.integer({ min: 65_000, max: 66_000 }));
    const sizes = fc.array(size, { minLength: 1, maxLength: 4 });
    const chunks = fc.array(fc.integer({ min: 1000, max: 300_000 }), { minLength: 1, maxLength: 4 });
    const epilogue = fc.constantFrom('', '\r\n', `\r\n${'x'.repeat(70_000)}`);
    await fc.assert(
      fc.asyncProperty(sizes, chunks, epilogue, async (lengths, cuts, after) => {
        const body = Buffer.concat([
          message(lengths.map((length) => Buffer.alloc(length))),
          Buffer.from(after),
        ]);
        const parts = await collect(splitMultipart(inChunks(body, cuts), BOUNDARY));
        expect(parts.map(({ bytes }) => bytes.length)).toEqual(lengths);
      }),
    );
  });

  it('refuses a body that is cut off anywhere before the end of its closing delimiter', async () => {
    const texts = fc.array(treacherous, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(texts, chunkSizes, fc.nat(), async (parts, sizes, at) => {
        const body = message(parts.map((text) => Buffer.from(text, 'latin1')));
        const cut = body.subarray(0, at % body.length);
        await expect(split(inChunks(cut, sizes))).rejects.toThrow(MultipartError);
      }),
    );
  });

  it('refuses a body that has another boundary than its type says', async () => {
    await expect(split(inChunks(message([Buffer.from('x')]), [7]), 'other')).rejects.toThrow(MultipartError);
  });

  it('refuses a part that is larger than the limit', async () => {
    const body = message([Buffer.alloc(10), Buffer.alloc(2001)]);
    await expect(split(inChunks(body, [100]), BOUNDARY, 2000)).rejects.toThrow('more than 2000 bytes');
    expect(await split(inChunks(body, [100]), BOUNDARY, 2001)).toHaveLength(2);
  });

  it('gives the beginning of a part that is cut, and goes on at the next', async () => {
    const body = message([Buffer.alloc(3000, 'a'), Buffer.alloc(5, 'b'), Buffer.alloc(3000, 'c')]);
    const parts = await collect(
      splitMultipart(inChunks(body, [100]), BOUNDARY, () => ({ bytes: 2000, cut: true })),
    );
    expect(parts.map(({ bytes: [first, ...more] }) => [first, more.length + 1])).toEqual([
      [0x61, expect.toSatisfy((length: number) => length > 1900 && length <= 2000)],
      [0x62, 5],
      [0x63, expect.toSatisfy((length: number) => length > 1900 && length <= 2000)],
    ]);
  });

  it('takes no more of the body than the caller has asked for', async () => {
    let taken = 0;
    const body = message([Buffer.alloc(1000), Buffer.alloc(1000), Buffer.alloc(1000)]);
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(body, [50])) {
        taken += chunk.length;
        yield chunk;
      }
    }
    const parts = splitMultipart(counted(), BOUNDARY);
    await parts.next();
    expect(taken).toBeLessThan(1300);
    await parts.next();
    expect(taken).toBeLessThan(2400);
    await parts.return(undefined);
  });

  it('goes on at the next part, whatever the caller has left of one', async () => {
    const texts = fc.array(treacherous, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(texts, chunkSizes, fc.array(fc.nat(3)), async (parts, sizes, takes) => {
        const body = message(parts.map((text) => Buffer.from(text, 'latin1')));
        let part = 0;
        for await (const { content } of streamMultipart(inChunks(body, sizes), BOUNDARY)) {
          let left = takes[part] ?? 0;
          let taken = '';
          if (left > 0) {
            for await (const chunk of content) {
              taken += Buffer.from(chunk).toString('latin1');
              left -= 1;
              if (left === 0) break;
            }
          }
          expect(parts[part]?.startsWith(taken)).toBe(true);
          part += 1;
        }
        expect(part).toBe(parts.length);
      }),
    );
  });

  it('says the type of each part as its header has it', async () => {
    const body = message([Buffer.from('x')], 'application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80');
    const [part] = await collect(splitMultipart(inChunks(body, [11]), BOUNDARY));
    expect(part?.contentType).toBe('application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80');
  });
});

describe('the type of a multipart body', () => {
  it.each([
    ['multipart/related; type="application/dicom"; boundary=abc', 'abc'],
    ['multipart/related; boundary="a b:c"; type=application/dicom', 'a b:c'],
    ['Multipart/Related;boundary=abc', 'abc'],
    [`multipart/related; boundary=${ORTHANC_BOUNDARY}`, ORTHANC_BOUNDARY],
  ])('%s has its boundary', (type, boundary) => {
    expect(multipartBoundary(type)).toBe(boundary);
  });

  it.each([
    null,
    '',
    'text/html',
    'multipart/form-data; boundary=abc',
    'multipart/related',
    `multipart/related; boundary=${'x'.repeat(257)}`,
  ])('%s is refused', (type) => {
    expect(() => multipartBoundary(type)).toThrow(MultipartError);
  });

  it('is compared without parameters and case', () => {
    expect(mediaType('Application/DICOM; transfer-syntax=1.2')).toBe('application/dicom');
    expect(mediaType('nonsense')).toBeUndefined();
  });
});
