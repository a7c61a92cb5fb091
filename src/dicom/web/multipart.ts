import { MIMEType } from 'node:util';
import { GatheredBytes } from '../gathered-bytes.ts';
import { DelimitedReader } from './delimited-reader.ts';

/** One body part, complete in memory. */
export interface MultipartPart {
  /** Content-Type of the part as it stands in its header, if it has one. */
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
}

/** A body part whose content is passed on while it arrives. */
export interface StreamedPart {
  /** Content-Type of the part as it stands in its header, if it has one. */
  readonly contentType: string | undefined;
  /**
   * The content, once, in pieces of the network. What is left of it is skipped when the next part is asked
   * for.
   */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The body is not the multipart message that its Content-Type announces. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError';
}

/** Longest text before the first delimiter that is put up with. It means nothing (RFC 2046 section 5.1.1). */
const PREAMBLE_LIMIT_BYTES = 65_536;
/** Content-Type, Content-Location, Content-Length and the like take some hundred bytes. */
const HEADER_LIMIT_BYTES = 8192;
const LINE_END = '\r\n';
/** What some archives end lines with. */
const BARE_LINE_END = '\n';
const END_MARK = Buffer.from('--');
/** RFC 2046 section 5.1.1 allows 70 characters; Orthanc's STOW-RS client makes boundaries of 73. */
const BOUNDARY_LIMIT = 256;

/** Largest part that is collected in memory; the limit of explicit lengths in DICOM is twice as much. */
const DEFAULT_PART_LIMIT_BYTES = 2 ** 31 - 1;

/**
 * The boundary in a Content-Type of multipart/related.
 * @throws MultipartError where the type is another one, or has no usable boundary
 */
export function multipartBoundary(contentType: string | null | undefined): string {
  const type = parsedType(contentType ?? '');
  if (type?.essence !== 'multipart/related') {
    throw new MultipartError(`is ${contentType ? `"${contentType}"` : 'of no type'}, not multipart/related`);
  }
  const boundary = type.params.get('boundary') ?? '';
  if (boundary.length === 0 || boundary.length > BOUNDARY_LIMIT) {
    throw new MultipartError(`has no usable boundary in its type "${contentType}"`);
  }
  return boundary;
}

/** The type without its parameters, in lower case; undefined where it is none. */
export function mediaType(contentType: string | null | undefined): string | undefined {
  return parsedType(contentType ?? '')?.essence;
}

function parsedType(contentType: string): MIMEType | undefined {
  try {
    return new MIMEType(contentType);
  } catch {
    return undefined;
  }
}

/** How many bytes a part may have. */
export interface PartLimit {
  readonly bytes: number;
  /** What is thrown where it has more; without it a MultipartError. */
  readonly tooLarge?: () => Error;
  /** Where it has more, so many are given, and the rest is thrown away. */
  readonly cut?: boolean;
}
/** By how a part begins. */
export type LimitOf = (start: Uint8Array) => PartLimit;

/** What can be addressed. */
const ANY_PART: PartLimit = { bytes: DEFAULT_PART_LIMIT_BYTES };

/**
 * Splits a multipart body into whole parts. A part is given out when it is complete, and no more of the body
 * is taken until the caller asks for the next one: memory holds one part and one chunk of the network.
 * @throws MultipartError where the body ends before its closing delimiter, never has the boundary, or has a
 * larger part than `limitOf` says
 */
export async function* splitMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  limitOf: LimitOf = () => ANY_PART,
): AsyncGenerator<MultipartPart> {
  for await (const { contentType, content } of streamMultipart(body, boundary)) {
    yield { contentType, bytes: await wholePart(content, limitOf) };
  }
}

/** How a part begins is asked when so much of it is there. */
const START_BYTES = 1024;

/**
 * All of a part, in memory of its own: parts are passed to other threads.
 * @throws MultipartError, or what `limitOf` names, where it has more bytes than that says by its beginning
 */
export async function wholePart(
  content: AsyncIterable<Uint8Array>,
  limitOf: LimitOf = () => ANY_PART,
): Promise<Uint8Array<ArrayBuffer>> {
  const gathered = new GatheredBytes();
  let limit: PartLimit | undefined;
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (!limit || size <= limit.bytes) gathered.add(chunk);
    if (size < START_BYTES) continue;
    limit ??= limitOf(gathered.beginning(START_BYTES));
    if (size <= (limit.cut ? DEFAULT_PART_LIMIT_BYTES : limit.bytes)) continue;
    throw limit.tooLarge?.() ?? new MultipartError(`has a part of more than ${limit.bytes} bytes`);
  }
  return gathered.take();
}

/**
 * Splits a multipart body (RFC 2046 section 5.1) without holding more of it than one chunk of the network:
 * for parts of any size, where `splitMultipart` gives whole ones. The epilogue is read to the end of the body
 * and thrown away.
 * @throws MultipartError where the body ends before its closing delimiter, or never has the boundary; also
 * out of `content`
 */
export async function* streamMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<StreamedPart> {
  const reader = new DelimitedReader(body, notDelimited);
  try {
    // A line end of our own: the first delimiter has none before it, and is found as all others are.
    reader.putBack(Buffer.from(LINE_END));
    let preambleBytes = 0;
    for await (const chunk of reader.until(Buffer.from(`${BARE_LINE_END}--${boundary}`))) {
      preambleBytes += chunk.length;
      if (preambleBytes > PREAMBLE_LIMIT_BYTES) throw notDelimited();
    }
    // How the first line ends tells how all do.
    const lineEnd = await lineEndOf(reader);
    const delimiter = Buffer.from(`${lineEnd}--${boundary}`);
    while (!(await reader.startsWith(END_MARK))) {
      const contentType = contentTypeOf(await readHeader(reader, lineEnd));
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

/** Of a delimiter, of which the line end is next; blanks may stand before it (RFC 2046 section 5.1.1). */
async function lineEndOf(reader: DelimitedReader): Promise<string> {
  return (await reader.hasBefore('\r', BARE_LINE_END, HEADER_LIMIT_BYTES)) ? LINE_END : BARE_LINE_END;
}

/** The lines between a delimiter and the empty line after them, with a line end in front. */
async function readHeader(reader: DelimitedReader, lineEnd: string): Promise<string> {
  let text = '';
  for await (const chunk of reader.until(Buffer.from(lineEnd + lineEnd))) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length > HEADER_LIMIT_BYTES) {
      throw new MultipartError(`is malformed: a part has a header of more than ${HEADER_LIMIT_BYTES} bytes`);
    }
  }
  if (!/^[ \t]*$/.test(text.split(lineEnd, 1)[0] ?? '')) {
    throw new MultipartError('is malformed: a delimiter is not alone on its line');
  }
  return text;
}

function contentTypeOf(header: string): string | undefined {
  const line = header.split(BARE_LINE_END).find((text) => /^content-type\s*:/i.test(text));
  return line?.slice(line.indexOf(':') + 1).trim();
}

function notDelimited(): MultipartError {
  return new MultipartError('ends before its closing delimiter: cut off, or not delimited by its boundary');
}
