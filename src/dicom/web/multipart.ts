import { MIMEType } from 'node:util';
import { MaxFileSizeExceededError, MultipartParser } from '@remix-run/multipart-parser';

/** One body part, complete in memory. */
export interface MultipartPart {
  /** Content-Type of the part as it stands in its header, if it has one. */
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
}

/** The body is not the multipart message that its Content-Type announces. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError';
}

/** Longest text before the first delimiter that is put up with. It means nothing (RFC 2046 section 5.1.1). */
const PREAMBLE_LIMIT_BYTES = 65_536;
/** Longest boundary of RFC 2046 section 5.1.1. */
const BOUNDARY_LIMIT = 70;

/** A part is larger than the caller takes. */
export class MultipartTooLarge extends MultipartError {}

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

/**
 * Splits a multipart body while it arrives. A part is given out when it is complete, and no more of the body is
 * taken until the caller asks for the next one: memory holds one part and one chunk of the network.
 * @param partLimit bytes that a part may have
 * @throws MultipartError where the body ends before its closing delimiter, or never has the boundary; MultipartTooLarge
 */
export async function* splitMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  partLimit: number = DEFAULT_PART_LIMIT_BYTES,
): AsyncGenerator<MultipartPart> {
  const parser = new MultipartParser(boundary, {
    maxFileSize: partLimit,
    maxParts: Number.POSITIVE_INFINITY,
    maxTotalSize: Number.POSITIVE_INFINITY,
  });
  // The parser wants to begin with a delimiter: this part of our own takes up what stands before the body's first one.
  const preamble = Buffer.from(`--${boundary}\r\nX-Preamble: 1\r\n\r\n\r\n`);
  parser.write(preamble).next();
  let preambleBytes = 0;
  let begun = false;
  let ended = false;
  for await (const chunk of body) {
    if (ended) continue; // the epilogue
    try {
      for (const part of parser.write(chunk)) {
        if (begun) yield { contentType: part.headers['content-type'], bytes: part.bytes };
        begun = true;
      }
    } catch (error) {
      ended = isFinished(parser); // the parser refuses an epilogue
      if (!ended)
        throw begun ? failure(error, partLimit) : new MultipartError(NOT_DELIMITED, { cause: error });
    }
    preambleBytes += begun ? 0 : chunk.length;
    if (preambleBytes > PREAMBLE_LIMIT_BYTES) throw new MultipartError(NOT_DELIMITED);
  }
  if (!isFinished(parser)) throw new MultipartError(NOT_DELIMITED);
}

const NOT_DELIMITED = 'ends before its closing delimiter: cut off, or not delimited by its boundary';

function isFinished(parser: MultipartParser): boolean {
  try {
    parser.finish();
    return true;
  } catch {
    return false;
  }
}

function failure(cause: unknown, partLimit: number): MultipartError {
  if (cause instanceof MaxFileSizeExceededError) {
    return new MultipartTooLarge(`has a part of more than ${partLimit} bytes`, { cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MultipartError(`is malformed: ${reason}`, { cause });
}
