import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { AnswerError } from './errors.ts';

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;

/**
 * A body as it was before its Content-Encoding (RFC 9110 section 8.4). None is asked for; some servers and
 * proxies use one all the same.
 * @throws AnswerError where the encoding is not known, or the body is not in it; what reading the body throws
 */
export function decoded(
  body: AsyncIterable<Uint8Array>,
  contentEncoding: string | undefined,
): AsyncIterable<Uint8Array> {
  const encoding = contentEncoding?.trim().toLowerCase() || 'identity';
  if (encoding === 'identity') return body;
  if (!isKnown(encoding))
    throw new AnswerError(`the answer is encoded as "${encoding}", which was not asked for`);
  return inflated(body, encoding);
}

const isKnown = (encoding: string): encoding is keyof typeof DECODERS => Object.hasOwn(DECODERS, encoding);

async function* inflated(
  body: AsyncIterable<Uint8Array>,
  encoding: keyof typeof DECODERS,
): AsyncGenerator<Uint8Array> {
  const decoder = DECODERS[encoding]();
  let failure: unknown;
  const source = Readable.from(remembering(body, (error) => (failure = error)));
  pipeline(source, decoder).catch(() => undefined); // the reading side below says it
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw failure ?? new AnswerError(`the answer says that it is ${encoding}, and is not`, { cause });
  } finally {
    decoder.destroy();
    source.destroy();
  }
}

/** Tells a connection that broke from a body that is no such encoding. */
async function* remembering(
  body: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    failed(error);
    throw error;
  }
}
