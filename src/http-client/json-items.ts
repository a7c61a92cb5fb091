import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { AnswerError } from './errors.ts';

/** What JSON from another system may cost before it is parsed: a byte of text may become forty of memory. */
export interface JsonLimits {
  /** Of one item of a list, or of what is no list: it is parsed at a time, and nothing else is done then. */
  readonly itemBytes: number;
  /** Of a list. */
  readonly items: number;
  /** Values of the whole text: members of objects and lists. */
  readonly values: number;
  /** Levels of objects and lists within one another. */
  readonly depth: number;
}

/**
 * What is parsed here takes up to 50 ms. Ten thousand images with a hundred elements each have 4 million
 * values.
 */
const JSON_LIMITS: JsonLimits = { itemBytes: 4 * 2 ** 20, items: 200_000, values: 6_000_000, depth: 100 };
/** A data set of a thousand frames takes 3 MB. */
const LONG_ITEM_LIMITS: JsonLimits = { ...JSON_LIMITS, itemBytes: 16 * 2 ** 20 };
/** Longer items are read elsewhere, where that can be done. */
const LONG_ITEM_BYTES = 256 * 1024;

/** What is kept of each item. */
export interface ItemReader {
  take(item: unknown): unknown;
  /** As `take`, of the text of a long item, in UTF-8: elsewhere, so that nothing is held up here. */
  readonly takeLong?: (text: Uint8Array) => Promise<unknown>;
}
const EVERYTHING: ItemReader = { take: (item) => item };

/** How long items are parsed one after the other before others get their turn, in ms. */
const TURN_MS = 10;

export interface JsonText {
  /** Whether it is a list. */
  readonly isList: boolean;
  /** Items of the list; or the one value; of a text without anything, none. */
  readonly items: unknown[];
}

/**
 * Reads JSON while it arrives: the items of a list are parsed one at a time, so that a long list holds up
 * nothing else. A byte order mark is passed over.
 * @param encoding of the text, as Content-Type names it; UTF-8 where it names none, or one that is not known
 * @throws AnswerError where it is no JSON, or beyond the limits
 */
export async function readJson(
  chunks: AsyncIterable<Uint8Array>,
  reader: ItemReader = EVERYTHING,
  encoding?: string,
  limits: JsonLimits = reader.takeLong ? LONG_ITEM_LIMITS : JSON_LIMITS,
): Promise<JsonText> {
  const scanner = new Scanner(limits);
  const decoder = decoderOf(encoding);
  const items: unknown[] = [];
  const read = (text: Uint8Array): unknown => {
    if (reader.takeLong && text.length > LONG_ITEM_BYTES) {
      const isUtf8 = decoder.encoding === 'utf-8';
      return reader.takeLong(isUtf8 ? text : Buffer.from(decoder.decode(text)));
    }
    return reader.take(parse(decoder.decode(text)));
  };
  let turnEnds = performance.now() + TURN_MS;
  for await (const chunk of chunks) {
    for (const text of scanner.read(chunk)) {
      items.push(await read(text));
      if (performance.now() < turnEnds) continue;
      await turnOfTheLoop();
      turnEnds = performance.now() + TURN_MS;
    }
  }
  const rest = scanner.end();
  if (rest) items.push(await read(rest));
  return { isList: scanner.isList, items };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AnswerError('the answer is not JSON', { cause });
  }
}

/** Of encodings in which the marks of JSON are the bytes that they are in ASCII. */
function decoderOf(encoding: string | undefined): TextDecoder {
  const isLikeAscii = /^(utf-?8|us-ascii|iso-8859-\d+|windows-125\d)$/i.test(encoding ?? '');
  return new TextDecoder(isLikeAscii ? encoding : 'utf-8');
}

const MARK = { quote: 0x22, backslash: 0x5c, comma: 0x2c, open: [0x5b, 0x7b], close: [0x5d, 0x7d] } as const;
const [LIST_OPEN, OBJECT_OPEN] = MARK.open;
const [LIST_CLOSE, OBJECT_CLOSE] = MARK.close;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** A byte order mark is passed over like blanks, byte by byte. */
const BYTE_ORDER_MARK: ReadonlySet<number> = new Set([0xef, 0xbb, 0xbf]);

/**
 * Finds where the items of a list begin and end, and counts. It checks nothing else: what it finds is parsed.
 */
class Scanner {
  isList = false;
  readonly #limits: JsonLimits;
  #started = false;
  #closed = false;
  #depth = 0;
  #items = 0;
  #values = 0;
  #inString = false;
  #escaped = false;
  /** Whether anything of the item at hand has come. */
  #hasItem = false;
  #commaBefore = false;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** @returns the texts of the items that end in this chunk */
  *read(chunk: Uint8Array): Generator<Uint8Array> {
    let from = this.#start(chunk);
    if (!this.#started) return;
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === MARK.backslash) this.#escaped = true;
        else if (byte === MARK.quote) this.#inString = false;
        continue;
      }
      if (byte <= 0x20 && BLANKS.has(byte)) continue;
      if (this.#closed) throw notJson();
      const isTop = this.isList && this.#depth === 1;
      if (isTop && (byte === MARK.comma || byte === LIST_CLOSE)) {
        this.#keep(chunk.subarray(from, at));
        from = at + 1;
        const isEnd = byte === LIST_CLOSE;
        // `[]` alone is a list without an item; `[1,]` and `[,1]` are no JSON.
        if (this.#hasItem) yield this.#taken();
        else if (!isEnd || this.#commaBefore) throw notJson();
        this.#drop();
        this.#commaBefore = !isEnd;
        if (isEnd) this.#closed = true;
        else this.#countItem();
        continue;
      }
      this.#hasItem = true;
      this.#mark(byte);
    }
    if (!this.#closed) this.#keep(chunk.subarray(from));
  }

  /** @returns the text of what is no list; undefined where there is nothing more */
  end(): Uint8Array | undefined {
    if (this.isList ? !this.#closed : this.#depth > 0) throw notJson();
    return this.isList || !this.#hasItem ? undefined : this.#taken();
  }

  /** Passes over what stands before the text; @returns where that begins */
  #start(chunk: Uint8Array): number {
    if (this.#started) return 0;
    const first = chunk.findIndex((byte) => !BLANKS.has(byte) && !BYTE_ORDER_MARK.has(byte));
    if (first < 0) return chunk.length;
    this.#started = true;
    this.isList = chunk[first] === LIST_OPEN;
    if (!this.isList) return first;
    this.#depth = 1;
    return first + 1;
  }

  #mark(byte: number): void {
    if (byte === MARK.quote) this.#inString = true;
    else if (byte === MARK.comma) this.#count();
    else if (byte === LIST_OPEN || byte === OBJECT_OPEN) {
      this.#count();
      this.#depth += 1;
      if (this.#depth > this.#limits.depth) {
        throw new AnswerError(`the answer is nested more than ${this.#limits.depth} levels deep`);
      }
    } else if (byte === LIST_CLOSE || byte === OBJECT_CLOSE) this.#depth -= 1;
  }

  #countItem(): void {
    this.#items += 1;
    if (this.#items > this.#limits.items) {
      throw new AnswerError(`the answer has more than ${this.#limits.items} items`);
    }
    this.#count();
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > this.#limits.values) {
      throw new AnswerError(`the answer has more than ${this.#limits.values} values`);
    }
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size > this.#limits.itemBytes) {
      const what = this.isList ? 'an item of the answer' : 'the answer';
      throw new AnswerError(`${what} has more than ${this.#limits.itemBytes} bytes`);
    }
  }

  #taken(): Uint8Array {
    return this.#pieces.length === 1 && this.#pieces[0] ? this.#pieces[0] : Buffer.concat(this.#pieces);
  }

  #drop(): void {
    this.#pieces = [];
    this.#size = 0;
    this.#hasItem = false;
  }
}

function notJson(): AnswerError {
  return new AnswerError('the answer is not JSON');
}
