import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerError } from '../../src/http-client/errors.ts';
import { readJson } from '../../src/http-client/json-items.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const read = (text: string, size = 7) => readJson(inChunks(Buffer.from(text), size));

const LIMITS = { itemBytes: 1_000, items: 30, values: 100, depth: 10 };
const readWithin = (text: string) => readJson(inChunks(Buffer.from(text), 64), undefined, undefined, LIMITS);

describe('JSON that is read while it arrives', () => {
  it('is what it is when parsed as a whole, however the network cuts it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.integer({ min: 1, max: 20 }), async (value, size) => {
        const { isList, items } = await read(JSON.stringify(value), size);
        expect(isList ? items : items[0]).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('may begin with a byte order mark, have blanks, and be nothing', async () => {
    expect(await read('\uFEFF [ {"a": "]"} , "\\"[" ]\r\n')).toEqual({
      isList: true,
      items: [{ a: ']' }, '"['],
    });
    expect(await read('[]')).toEqual({ isList: true, items: [] });
    expect(await read('')).toEqual({ isList: false, items: [] });
  });

  it('is read in the encoding that it says it has', async () => {
    const latin1 = Buffer.from('["Müller"]', 'latin1');
    const { items } = await readJson(inChunks(latin1, 3), undefined, 'ISO-8859-1');
    expect(items).toEqual(['Müller']);
  });

  it.each(['[1,]', '[,1]', '[1', '[1]x', '{"a":1', '<html>', '["a]', '[1 2]', '[}]'])(
    'is refused where it is none: %s',
    async (text) => {
      await expect(read(text)).rejects.toThrow(AnswerError);
    },
  );

  it.each([
    ['levels', `${'['.repeat(11)}${']'.repeat(11)}`, 'nested more than 10 levels'],
    ['items', `[${'1,'.repeat(31)}1]`, 'more than 30 items'],
    ['values', `[[${'{},'.repeat(60)}{}]]`, 'more than 100 values'],
    ['bytes of an item', `["a","${'x'.repeat(1_001)}"]`, 'an item of the answer has more than 1000 bytes'],
    ['bytes where it is no list', `{"a":"${'x'.repeat(1_001)}"}`, 'the answer has more than 1000 bytes'],
  ])('is refused before it is parsed where it has too many %s', async (_what, text, words) => {
    await expect(readWithin(text)).rejects.toThrow(words);
  });

  it('is read elsewhere, item by item, where an item is long', async () => {
    const long = { a: 'x'.repeat(300_000) };
    const elsewhere: unknown[] = [];
    const reader = {
      take: (item: unknown) => item,
      takeLong: async (text: Uint8Array) => {
        elsewhere.push(JSON.parse(Buffer.from(text).toString()));
        return 'elsewhere';
      },
    };
    const text = Buffer.from(JSON.stringify([1, long, 2]));
    expect((await readJson(inChunks(text, 65_536), reader)).items).toEqual([1, 'elsewhere', 2]);
    expect(elsewhere).toEqual([long]);
  });

  it('lets others have their turn', async () => {
    const long = Buffer.from(JSON.stringify(Array.from({ length: 50_000 }, (_, i) => ({ a: [i, 'text'] }))));
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await readJson(inChunks(long, long.length));
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(0);
  });
});
