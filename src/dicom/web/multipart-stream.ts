import { MultipartError } from './multipart.ts';

/** A body part whose content is passed on while it arrives. */
export interface StreamedPart {
  /** Content-Type of the part as it stands in its header, if it has one. */
  readonly contentType: string | undefined;
  /** The content, once, in pieces of the network. What is left of it is skipped when the next part is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Longest text before the first delimiter that is put up with. It means nothing (RFC 2046 section 5.1.1). */
const PREAMBLE_LIMIT_BYTES = 65_536;
/** Content-Type, Content-Location, Content-Length and the like take some hundred bytes. */
const HEADER_LIMIT_BYTES = 8192;
const LINE_END = '\r\n';
const END_MARK = Buffer.from('--');

/**
 * Splits a multipart body (RFC 2046 section 5.1) without holding more of it than one chunk of the network: for parts of
 * any size, where `splitMultipart` gives whole ones. The epilogue is read to the end of the body and thrown away.
 * @throws MultipartError where the body ends before its closing delimiter, or never has the boundary; also out of `content`
 */
export async function* streamMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<StreamedPart> {
  const reader = new DelimitedReader(body);
  try {
    // A line end of our own: the first delimiter has none before it, and is found as all others are.
    reader.putBack(Buffer.from(LINE_END));
    const delimiter = Buffer.from(`${LINE_END}--${boundary}`);
    let preambleBytes = 0;
    for await (const chunk of reader.until(delimiter)) {
      preambleBytes += chunk.length;
      if (preambleBytes > PREAMBLE_LIMIT_BYTES) throw notDelimited();
    }
    while (!(await reader.startsWith(END_MARK))) {
      const contentType = contentTypeOf(await readHeader(reader));
      let complete = false;
      const content = async function* (): AsyncGenerator<Uint8Array> {
        yield* reader.until(delimiter);
        complete = true;
      };
      yield { contentType, content: content() };
      if (!complete) for await (const _rest of reader.until(delimiter));
    }
    await reader.skipAll();
  } finally {
    await reader.close();
  }
}

/** The lines between a delimiter and the empty line after them, with a line end in front. */
async function readHeader(reader: DelimitedReader): Promise<string> {
  let text = '';
  for await (const chunk of reader.until(Buffer.from(LINE_END + LINE_END))) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length > HEADER_LIMIT_BYTES) {
      throw new MultipartError(`is malformed: a part has a header of more than ${HEADER_LIMIT_BYTES} bytes`);
    }
  }
  if (!/^[ \t]*$/.test(text.split(LINE_END, 1)[0] ?? '')) {
    throw new MultipartError('is malformed: a delimiter is not alone on its line');
  }
  return text;
}

function contentTypeOf(header: string): string | undefined {
  const line = header.split(LINE_END).find((text) => /^content-type\s*:/i.test(text));
  return line?.slice(line.indexOf(':') + 1).trim();
}

function notDelimited(): MultipartError {
  return new MultipartError('ends before its closing delimiter: cut off, or not delimited by its boundary');
}

/** Reads chunks up to delimiters; holds the chunk at hand, and of the one before no more than a delimiter's length. */
class DelimitedReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  putBack(bytes: Buffer): void {
    this.#held = Buffer.concat([bytes, this.#held]);
  }

  /** What stands before the delimiter, which is consumed when all of it was taken. */
  async *until(delimiter: Buffer): AsyncGenerator<Uint8Array> {
    for (;;) {
      const found = this.#held.indexOf(delimiter);
      if (found >= 0) {
        const content = this.#held.subarray(0, found);
        this.#held = this.#held.subarray(found);
        if (content.length > 0) yield content;
        this.#held = this.#held.subarray(delimiter.length);
        return;
      }
      // The last bytes may be the beginning of a delimiter.
      const safe = Math.max(0, this.#held.length - delimiter.length + 1);
      const content = this.#held.subarray(0, safe);
      this.#held = this.#held.subarray(safe);
      if (content.length > 0) yield content;
      await this.#more();
    }
  }

  /** Whether the next bytes are these; they are consumed then. */
  async startsWith(bytes: Buffer): Promise<boolean> {
    while (this.#held.length < bytes.length) await this.#more();
    if (!this.#held.subarray(0, bytes.length).equals(bytes)) return false;
    this.#held = this.#held.subarray(bytes.length);
    return true;
  }

  async skipAll(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  /** Left early, a body is told so. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done) throw notDelimited();
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }
}
