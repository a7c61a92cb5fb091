import { MIMEType } from 'node:util';
// Of the streaming multipart parsers, Fastify's is the one that is kept up and does not take the body for a form.
import { Dicer } from '@fastify/busboy';

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
 * Dicer holds back the answer to a write while a part's buffer is full, and never gives it where that part and the
 * closing delimiter were in the same write. The parts are collected here as they come, so no buffer need be full.
 */
const NEVER_FULL = Number.MAX_SAFE_INTEGER;

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
  const complete: MultipartPart[] = [];
  let tooLarge = false;
  const options = { boundary, partHwm: NEVER_FULL }; // partHwm is not in Dicer's types
  const dicer = new Dicer(options);
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => undefined); // awaited below, unless the caller leaves early
  dicer.on('finish', finished.resolve);
  dicer.on('error', finished.reject);
  dicer.on('part', (part) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    let contentType: string | undefined;
    part.on('header', (header) => {
      contentType = firstValue(header, 'content-type');
    });
    part.on('data', (chunk) => {
      size += chunk.length;
      if (size > partLimit) tooLarge = true;
      else chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    });
    part.on('error', () => undefined); // the parser reports the same error
    part.on('end', () => complete.push({ contentType, bytes: Buffer.concat(chunks) }));
  });
  try {
    for await (const chunk of body) {
      await write(dicer, chunk);
      if (tooLarge) throw new MultipartTooLarge(`has a part of more than ${partLimit} bytes`);
      yield* complete.splice(0);
    }
    dicer.end();
    await finished.promise.catch((cause: unknown) => {
      throw new MultipartError(
        'ends before its closing delimiter: cut off, or not delimited by its boundary',
        {
          cause,
        },
      );
    });
    if (tooLarge) throw new MultipartTooLarge(`has a part of more than ${partLimit} bytes`);
    yield* complete;
  } finally {
    dicer.destroy();
  }
}

function write(dicer: Dicer, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    dicer.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** Dicer gives each header as a list of values. */
function firstValue(header: object, name: string): string | undefined {
  const values: unknown = Reflect.get(header, name);
  const first: unknown = Array.isArray(values) ? values[0] : undefined;
  return typeof first === 'string' ? first : undefined;
}
